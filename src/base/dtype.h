#ifndef FETTLE_BASE_DTYPE_H
#define FETTLE_BASE_DTYPE_H

#include <stddef.h>

enum dtype { F32, F64, DTYPE_COUNT };

static inline size_t dtype_size(enum dtype dtype) {
    return dtype == F32 ? 4 : 8;
}

static inline const char *dtype_name(enum dtype dtype) {
    return dtype == F32 ? "float32" : "float64";
}

#endif
