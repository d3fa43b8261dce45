#include "nn/dropout.h"
#include "nn/layers.h"

#include <math.h>

#define REAL double
#define NN_NAME(x) nn_ref64_##x
#define MATH(name) name
#include "nn/reference.inc"
