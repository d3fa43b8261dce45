#include "nn/dropout.h"
#include "nn/layers.h"

#include <math.h>

#define REAL float
#define NN_NAME(x) nn_ref32_##x
#define MATH(name) name##f
#include "nn/reference.inc"
