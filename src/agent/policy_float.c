#include "agent/policy.h"
#include "base/rng.h"

#include <string.h>

#define REAL float
#define POLICY(x) policy_##x
#define NN_NAME(x) nn_##x
#include "agent/policy.inc"
