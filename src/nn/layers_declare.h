/* The layers as forward/backward pairs, declared once for each precision. layers.h includes this file three times,
 * with REAL the number and NN_NAME the name:
 *   nn_NAME        float, fast: vector kernels
 *   nn_ref32_NAME  float, the plain reference (reference.inc)
 *   nn_ref64_NAME  double, the same reference: checked against finite differences
 * so that code over REAL and NN_NAME is written once and compiled for each. No include guard, on purpose.
 *
 * All of them: single-threaded, no allocation, no errors; outputs first, then inputs, sizes last. Arrays are row-major.
 * Rows are packed tokens without padding. Outputs may not overlap inputs unless a comment allows it. Backward functions
 * ADD to the gradients of parameters and OVERWRITE the gradients of activations, unless their name ends in _add. Sizes
 * of zero are allowed everywhere. NaN and infinity in an input reach the outputs that depend on it. The same call on
 * the same machine gives the same bytes. */
#if !defined(REAL) || !defined(NN_NAME)
#error "layers.h includes this file, with REAL and NN_NAME defined"
#endif

/* c [m,n] = alpha op(a) op(b) + beta c;  op(a) [m,k] is a, or with ta the transpose of a [k,m];  op(b) [k,n] is b, or
 * with tb the transpose of b [n,k]. ld*: elements from one row to the next as stored. beta == 0 does not read c. */
void NN_NAME(gemm)(bool ta, bool tb, size_t m, size_t n, size_t k, REAL alpha, const REAL *a, size_t lda, const REAL *b,
                   size_t ldb, REAL beta, REAL *c, size_t ldc);

/* y [rows,out] = x [rows,in] w^T + b.   w [out,in]   b [out] or NULL */
void NN_NAME(linear_forward)(REAL *y, const REAL *x, const REAL *w, const REAL *b, size_t rows, size_t in, size_t out);

/* dx [rows,in] (or NULL) = dy w;  dw [out,in] += dy^T x;  db [out] (or NULL) += column sums of dy. */
void NN_NAME(linear_backward)(REAL *dx, REAL *dw, REAL *db, const REAL *dy, const REAL *x, const REAL *w, size_t rows,
                              size_t in, size_t out);
/* The same, with dx added to (not NULL). */
void NN_NAME(linear_backward_add)(REAL *dx, REAL *dw, REAL *db, const REAL *dy, const REAL *x, const REAL *w,
                                  size_t rows, size_t in, size_t out);

/* Layer normalisation (Ba, Kiros & Hinton 2016), epsilon NN_NORM_EPSILON under the root.
 *   y [rows,d] = xhat * gain + shift, xhat = (x - mean) * rstd;   mean, rstd [rows] kept for backward;   gain, shift
 * [d] */
void NN_NAME(layernorm_forward)(REAL *y, REAL *mean, REAL *rstd, const REAL *x, const REAL *gain, const REAL *shift,
                                size_t rows, size_t d);
/* dx += , dgain +=, dshift += */
void NN_NAME(layernorm_backward_add)(REAL *dx, REAL *dgain, REAL *dshift, const REAL *dy, const REAL *x,
                                     const REAL *mean, const REAL *rstd, const REAL *gain, size_t rows, size_t d);

/* Root-mean-square normalisation (Zhang & Sennrich 2019), epsilon NN_NORM_EPSILON under the root. (forward.h has the
 * models' own: its sums in double, its epsilon the checkpoint's.)
 *   y [rows,d] = x * rstd * gain, rstd = 1 / sqrt(mean(x^2) + epsilon);   rstd [rows] kept for backward;   gain [d] */
void NN_NAME(rms_norm_forward)(REAL *y, REAL *rstd, const REAL *x, const REAL *gain, size_t rows, size_t d);
/* dx +=, dgain += */
void NN_NAME(rms_norm_backward_add)(REAL *dx, REAL *dgain, const REAL *dy, const REAL *x, const REAL *rstd,
                                    const REAL *gain, size_t rows, size_t d);

/* Layer normalisation modulated by a condition (FiLM: Perez et al. 2018).
 *   y [rows,d] = xhat * (1 + g[film_row[r]]) + b[film_row[r]]
 * g and b point at their first column inside a matrix [conditions, ld_film]; film_row [rows] never decreases, so that
 * each condition's rows are one run. */
void NN_NAME(film_norm_forward)(REAL *y, REAL *mean, REAL *rstd, const REAL *x, const REAL *g, const REAL *b,
                                size_t ld_film, const uint32_t *film_row, size_t rows, size_t d);
/* dx +=, dg +=, db +=;  dg and db are laid out as g and b. */
void NN_NAME(film_norm_backward_add)(REAL *dx, REAL *dg, REAL *db, const REAL *dy, const REAL *x, const REAL *mean,
                                     const REAL *rstd, const REAL *g, size_t ld_film, const uint32_t *film_row,
                                     size_t rows, size_t d);

/* Element by element; y may be x, and dx may be dy. relu_backward takes the layer's input or its output as x; the
 * others take the input.   relu: NaN stays NaN. gelu_tanh: 0.5 x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3)));  gelu_erf:
 * 0.5 x (1 + erf(x / sqrt 2));  silu: x / (1 + exp(-x)) */
void NN_NAME(relu_forward)(REAL *y, const REAL *x, size_t n);
void NN_NAME(relu_backward)(REAL *dx, const REAL *dy, const REAL *x, size_t n);
void NN_NAME(gelu_tanh_forward)(REAL *y, const REAL *x, size_t n);
void NN_NAME(gelu_tanh_backward)(REAL *dx, const REAL *dy, const REAL *x, size_t n);
void NN_NAME(gelu_erf_forward)(REAL *y, const REAL *x, size_t n);
void NN_NAME(gelu_erf_backward)(REAL *dx, const REAL *dy, const REAL *x, size_t n);
void NN_NAME(silu_forward)(REAL *y, const REAL *x, size_t n);
void NN_NAME(silu_backward)(REAL *dx, const REAL *dy, const REAL *x, size_t n);

/* Dropout (Srivastava et al. 2014), inverted: y[i] = x[i] / (1 - rate) with probability 1 - rate, else 0. Which numbers
 * go is a function of key and of first + i alone, so that a piece of an array may be done by anyone. 0 <= rate < 1; y
 * may be x, dx may be dy. */
void NN_NAME(dropout_forward)(REAL *y, const REAL *x, size_t n, double rate, uint64_t key, uint64_t first);
void NN_NAME(dropout_backward)(REAL *dx, const REAL *dy, size_t n, double rate, uint64_t key, uint64_t first);

/* y [n] += x [n] */
void NN_NAME(add)(REAL *y, const REAL *x, size_t n);

/* Sums of embeddings: out [rows,d], out[r] = the sum of table[index[i]] for i in offset[r] .. offset[r + 1] - 1, zero
 * where there are none.   table [*,d]   offset [rows + 1], never decreasing */
void NN_NAME(bag_forward)(REAL *out, const REAL *table, const uint32_t *index, const uint32_t *offset, size_t rows,
                          size_t d);
/* dtable[index[i]] += dout[r] */
void NN_NAME(bag_backward)(REAL *dtable, const REAL *dout, const uint32_t *index, const uint32_t *offset, size_t rows,
                           size_t d);

/* Means over runs of rows: out [segments,d], out[s] = the mean of x[offset[s]] .. x[offset[s + 1] - 1]; no run is
 * empty. */
void NN_NAME(segment_mean_forward)(REAL *out, const REAL *x, const uint32_t *offset, size_t segments, size_t d);
void NN_NAME(segment_mean_backward_add)(REAL *dx, const REAL *dout, const uint32_t *offset, size_t segments, size_t d);

/* Multi-head attention (Vaswani et al. 2017, 3.2) inside each of count segments: nobody sees another segment.
 *   score(i,j) = q_i . k_j / sqrt(head_dim) + rel_bias[head][i - j];  probs = softmax over the j that i sees;  out_i =
 * sum_j probs(i,j) v_j q, k, v, out: rows of heads * head_dim numbers, ld_* from row to row, so that they may be
 * columns of one wider matrix. probs: nn_attention_probs(segments, count, heads) numbers, kept for backward; segment s
 * holds heads matrices of q_count * k_count at probs_first, in a layout of the implementation's own. NN_FULL: every
 * query of a segment sees all its keys. NN_CAUSAL: q_count == k_count, and query i sees key j where 0 <= i - j < window
 * (window 0: no limit). rel_bias: [heads, window] or NULL; only with NN_CAUSAL and window > 0. Rows of q that no
 * segment names are left alone in out. A segment with queries has at least one key. */
void NN_NAME(attention_forward)(REAL *out, size_t ld_out, REAL *probs, const REAL *q, size_t ld_q, const REAL *k,
                                size_t ld_k, const REAL *v, size_t ld_v, const nn_segment *segments, size_t count,
                                size_t heads, size_t head_dim, nn_mask mask, size_t window, const REAL *rel_bias);
/* dq, dk, dv overwritten in the rows that segments name (each in one segment only);  drel_bias (or NULL) +=.
 * probs comes from the forward pass and is used up: what it holds afterwards is not defined. */
void NN_NAME(attention_backward)(REAL *dq, size_t ld_dq, REAL *dk, size_t ld_dk, REAL *dv, size_t ld_dv,
                                 REAL *drel_bias, const REAL *dout, size_t ld_dout, REAL *probs, const REAL *q,
                                 size_t ld_q, const REAL *k, size_t ld_k, const REAL *v, size_t ld_v,
                                 const nn_segment *segments, size_t count, size_t heads, size_t head_dim, nn_mask mask,
                                 size_t window);

/* Softmax cross-entropy over logits [rows,classes]; target [rows]; a negative target leaves its row out (loss 0, zero
 * gradient). *loss_sum += the sum of -log softmax[target] in double;  *correct += rows whose largest logit (the first
 * of equals) is the target;  dlogits (or NULL) = (softmax - onehot) * scale. loss_sum and correct may be NULL. */
void NN_NAME(cross_entropy)(double *loss_sum, size_t *correct, REAL *dlogits, const REAL *logits, const int32_t *target,
                            size_t rows, size_t classes, REAL scale);
