/* What the fuzzers share.  A fuzzer is a file with two functions, fuzz_open and fuzz_input.  It is built for libFuzzer
 * (the preset `fuzz`; see run), or as a program that gives the files it is called with to fuzz_input, once each. */
#ifndef FETTLE_TESTS_FUZZ_COMMON_H
#define FETTLE_TESTS_FUZZ_COMMON_H

#include <stddef.h>
#include <stdint.h>
#include "base/error.h"
#include "config/node.h"

void fuzz_open(void);                              /* once, before all inputs */
void fuzz_input(const uint8_t *data, size_t size); /* whatever it finds wrong ends with fuzz_fail */
void fuzz_fail(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

/* The fuzzer works in a folder of its own, in memory, which is the current one and goes in the end.  During an input
 * the code under test touches no file elsewhere: FENCE_FAILS, that ends the fuzzer; FENCE_REFUSES, for code that may
 * be asked to, the call fails with EACCES, also where it would only read. */
enum fuzz_fence { FENCE_FAILS, FENCE_REFUSES };
extern enum fuzz_fence fuzz_fence;
const char *fuzz_folder(void);

/* For whoever is not libFuzzer; calls fuzz_open.  once: inputs are few, and each is given once: what takes long may be
 * done as well, see fuzz_replays. */
void fuzz_begin(int once);
int fuzz_replays(void);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size); /* fuzz_input, and what has to hold after any */

/* A failure has a code and a text that ends; success has neither.  The error is empty afterwards. */
void fuzz_told(int code, struct error *error);
/* Setting up does not fail. */
void fuzz_need(int code, const struct error *error);

char *fuzz_text(const uint8_t *data, size_t size); /* with a terminating zero; freed by free() */
void fuzz_write(const char *path, const void *data, size_t size);

/* tiny.yaml, and the same as a config, with overrides; freed by config_free. */
const char *fuzz_yaml(void);
struct config *fuzz_config(const char *const *overrides, size_t count);
void fuzz_copy_frames(const char *path); /* data.xyz; the file's time is always the same */

#endif
