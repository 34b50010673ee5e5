/* One loop for each kind of processor. */
#ifndef FETTLE_TRAIN_CORE_CLONES_H
#define FETTLE_TRAIN_CORE_CLONES_H

/* Loops over all parameters are compiled once for each of these and chosen when the program is loaded, before a
 * sanitizer's runtime is ready.  Contraction to fused multiply-adds is off for these files (see CMakeLists.txt): all of
 * them give the same bits. */
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__) &&               \
    !defined(__SANITIZE_THREAD__)
#define TRAIN_CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define TRAIN_CLONES
#endif

#endif
