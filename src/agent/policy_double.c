/* The same passes over the plain layers in double: what the gradients are checked with. */
#include "agent/policy.h"
#include "base/rng.h"

#include <string.h>

#define REAL double
#define POLICY(x) policy64_##x
#define NN_NAME(x) nn_ref64_##x
#include "agent/policy.inc"
