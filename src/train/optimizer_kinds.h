/* Inside src/train: the optimizers' entries, and what their files share. */
#ifndef FETTLE_TRAIN_OPTIMIZER_KINDS_H
#define FETTLE_TRAIN_OPTIMIZER_KINDS_H

#include "train/optimizer.h"

extern const struct optimizer_kind optimizer_adam, optimizer_adamw, optimizer_sgd, optimizer_free_adamw,
    optimizer_free_radam, optimizer_free_sgd;

/* The update loops are compiled once for each of these and chosen when the program is loaded, before a sanitizer's
 * runtime is ready.  Contraction to fused multiply-adds is off for these files (see CMakeLists.txt): all of them give
 * the same bits. */
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__) &&               \
    !defined(__SANITIZE_THREAD__)
#define OPTIMIZER_CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define OPTIMIZER_CLONES
#endif

/* An error at the option's own place, where it was given. */
static inline const struct config_node *optimizer_place(const struct config_node *config, const char *option) {
    const struct config_node *node = config_get(config, option);
    return node ? node : config;
}

#endif
