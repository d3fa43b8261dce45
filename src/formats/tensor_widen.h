/* How each stored type becomes float: count elements (a whole number of blocks) from bytes that may be unaligned. */
#ifndef TRIAD_FORMATS_TENSOR_WIDEN_H
#define TRIAD_FORMATS_TENSOR_WIDEN_H

#include <stddef.h>

typedef void tensor_widen_fn(float *out, const unsigned char *bytes, size_t count);

tensor_widen_fn tensor_widen_f64, tensor_widen_f32, tensor_widen_f16, tensor_widen_bf16, tensor_widen_f8_e4m3;
tensor_widen_fn tensor_widen_f8_e5m2;
tensor_widen_fn tensor_widen_q4_0, tensor_widen_q4_1, tensor_widen_q5_0, tensor_widen_q5_1, tensor_widen_q8_0;
tensor_widen_fn tensor_widen_q2_k, tensor_widen_q3_k, tensor_widen_q4_k, tensor_widen_q5_k, tensor_widen_q6_k;
tensor_widen_fn tensor_widen_iq4_nl, tensor_widen_iq4_xs;

#endif
