/* The BLAS, OpenBLAS, which is loaded when it is first needed.  It starts threads when it is loaded, and it takes a
 * large buffer for each of its threads and each of ours that is in it; where there is no memory for one it tries for
 * ever.  So the memory is looked at before. */
#ifndef FETTLE_GRAPH_KERNEL_BLAS_H
#define FETTLE_GRAPH_KERNEL_BLAS_H

#include <cblas.h>

#include "base/error.h"
#include "base/team.h"

/* Its functions, after blas_open. */
extern __typeof__(&cblas_sgemm) blas_gemm_f32;
extern __typeof__(&cblas_dgemm) blas_gemm_f64;

/* Loads it; the second time nothing happens.  ERROR_IO where there is none, ERROR_MEMORY. */
int blas_open(struct error *error);

/* A team whose members may all be in the BLAS at once: their buffers are there.  ERROR_MEMORY. */
int blas_team_new(struct team **out, int threads, struct error *error);
void blas_team_free(struct team *team); /* NULL is allowed */

#endif
