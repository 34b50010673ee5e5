/* Allocations that fail, by --wrap of the linker: of fettle's own code, not of the libraries'. */
#ifndef FETTLE_TESTS_FUZZ_ALLOC_FAILS_H
#define FETTLE_TESTS_FUZZ_ALLOC_FAILS_H

void fails_begin(long at, int on); /* the at-th from now on, or all from it on; 0: none */
void fails_end(void);
long fails_count(void);    /* allocations since fails_begin */
int fails_happened(void);  /* whether one has failed since */
void fails_show(int show); /* where the first one failed goes to standard error */

#endif
