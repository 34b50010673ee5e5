/* printf for what people and files get: a NaN is "nan", whatever its sign, and a number has a decimal point, whatever
 * the host program's locale.  Conversions are those of C11 but %n, and no numbered arguments. */
#ifndef FETTLE_BASE_PRINT_H
#define FETTLE_BASE_PRINT_H

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

/* As snprintf and vsnprintf. */
int print_to(char *out, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));
int print_to_v(char *out, size_t size, const char *format, va_list args) __attribute__((format(printf, 3, 0)));
/* In memory that the caller frees; NULL where there is none. */
char *print_new_v(const char *format, va_list args) __attribute__((format(printf, 1, 0)));
/* As fprintf; nothing where memory runs out. */
void print_file(FILE *stream, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
