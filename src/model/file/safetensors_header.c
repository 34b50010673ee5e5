/* The header of a safetensors file: a JSON object of tensors, each {"dtype", "shape", "data_offsets"}, and of
 * "__metadata__", a map of strings. Only as much JSON as that can hold is understood; every offset is checked. */
#include "model/file/safetensors_internal.h"

#include <stdint.h>
#include <string.h>

struct header_reader {
    const char *start, *at, *end;
    struct arena *arena;
    struct error *error;
};

static int fail(struct header_reader *in, const char *what) {
    return error_set(in->error, ERROR_SYNTAX, "the header of the safetensors file is damaged at byte %zu: expected %s",
                     (size_t)(in->at - in->start), what);
}

static void skip_space(struct header_reader *in) {
    while (in->at < in->end && (*in->at == ' ' || *in->at == '\n' || *in->at == '\t' || *in->at == '\r'))
        in->at++;
}

/* Whether c comes next; then it is passed. */
static int accept(struct header_reader *in, char c) {
    skip_space(in);
    if (in->at == in->end || *in->at != c)
        return 0;
    in->at++;
    return 1;
}

static int expect(struct header_reader *in, char c) {
    char what[] = {'"', c, '"', 0};
    return accept(in, c) ? 0 : fail(in, what);
}

static int read_hex(struct header_reader *in, unsigned *out) {
    *out = 0;
    for (int k = 0; k < 4; k++) {
        if (in->at == in->end)
            return fail(in, "four hexadecimal digits");
        char c = *in->at++;
        unsigned digit = c >= '0' && c <= '9'   ? (unsigned)(c - '0')
                         : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10
                         : c >= 'A' && c <= 'F' ? (unsigned)(c - 'A') + 10
                                                : 16;
        if (digit == 16)
            return fail(in, "four hexadecimal digits");
        *out = *out * 16 + digit;
    }
    return 0;
}

static char *put_utf8(char *out, unsigned c) {
    if (c < 0x80) {
        *out++ = (char)c;
    } else if (c < 0x800) {
        *out++ = (char)(0xc0 | c >> 6);
        *out++ = (char)(0x80 | (c & 0x3f));
    } else if (c < 0x10000) {
        *out++ = (char)(0xe0 | c >> 12);
        *out++ = (char)(0x80 | (c >> 6 & 0x3f));
        *out++ = (char)(0x80 | (c & 0x3f));
    } else {
        *out++ = (char)(0xf0 | c >> 18);
        *out++ = (char)(0x80 | (c >> 12 & 0x3f));
        *out++ = (char)(0x80 | (c >> 6 & 0x3f));
        *out++ = (char)(0x80 | (c & 0x3f));
    }
    return out;
}

static int read_string(struct header_reader *in, char **out) {
    if (expect(in, '"'))
        return in->error->code;
    const char *close = in->at;
    while (close < in->end && *close != '"')
        close += *close == '\\' && close + 1 < in->end ? 2 : 1;
    if (close >= in->end)
        return fail(in, "the end of a string");
    /* no escape grows: \uXXXX, six bytes, becomes at most three */
    char *text = arena_alloc(in->arena, (size_t)(close - in->at) + 4), *to = text;
    if (!text)
        return error_memory(in->error);
    while (in->at < close) {
        char c = *in->at++;
        if (c != '\\') {
            *to++ = c;
            continue;
        }
        static const char escapes[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
        c = *in->at++;
        const char *known = c ? strchr(escapes, c) : NULL;
        unsigned code, low;
        if (known) {
            *to++ = values[known - escapes];
        } else if (c == 'u') {
            if (read_hex(in, &code))
                return in->error->code;
            if (code >= 0xd800 && code < 0xdc00 && in->end - in->at >= 6 && in->at[0] == '\\' && in->at[1] == 'u') {
                in->at += 2;
                if (read_hex(in, &low))
                    return in->error->code;
                if (low < 0xdc00 || low >= 0xe000)
                    return fail(in, "the second half of a surrogate pair");
                code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
            }
            if (code == 0 || in->at > close)
                return fail(in, "a character");
            to = put_utf8(to, code);
        } else {
            return fail(in, "an escape");
        }
    }
    *to = 0;
    *out = text;
    in->at = close + 1;
    return 0;
}

static int read_size(struct header_reader *in, size_t *out) {
    skip_space(in);
    if (in->at == in->end || *in->at < '0' || *in->at > '9')
        return fail(in, "a whole number");
    size_t value = 0;
    while (in->at < in->end && *in->at >= '0' && *in->at <= '9') {
        if (value > SIZE_MAX / 20)
            return fail(in, "a smaller number");
        value = value * 10 + (size_t)(*in->at++ - '0');
    }
    *out = value;
    return 0;
}

/* [n, n, ...] of at most max numbers. */
static int read_sizes(struct header_reader *in, size_t *out, int max, int *count) {
    *count = 0;
    if (expect(in, '['))
        return in->error->code;
    if (accept(in, ']'))
        return 0;
    do {
        if (*count == max)
            return fail(in, "fewer numbers");
        if (read_size(in, &out[(*count)++]))
            return in->error->code;
    } while (accept(in, ','));
    return expect(in, ']');
}

static int read_metadata(struct safetensors *file, struct header_reader *in) {
    if (expect(in, '{'))
        return in->error->code;
    if (accept(in, '}'))
        return 0;
    do {
        struct metadata *entry = safetensors_new_metadata(file);
        if (!entry)
            return error_memory(in->error);
        if (read_string(in, &entry->key) || expect(in, ':') || read_string(in, &entry->value)) {
            file->nmetadata--;
            return in->error->code;
        }
    } while (accept(in, ','));
    return expect(in, '}');
}

static int read_tensor(struct safetensors *file, struct header_reader *in, char *name, const char *data,
                       size_t data_size) {
    struct tensor tensor = {.name = name};
    size_t offsets[2] = {0, 0};
    int noffsets = 0, has_dtype = 0, has_shape = 0;
    if (expect(in, '{'))
        return in->error->code;
    do {
        char *key, *dtype;
        if (read_string(in, &key) || expect(in, ':'))
            return in->error->code;
        if (strcmp(key, "dtype") == 0) {
            if (read_string(in, &dtype))
                return in->error->code;
            if (strlen(dtype) >= sizeof tensor.dtype || !safetensors_dtype_size(dtype))
                return error_set(in->error, ERROR_DATA, "the tensor %s has the unknown type \"%s\"", name, dtype);
            strcpy(tensor.dtype, dtype);
            has_dtype = 1;
        } else if (strcmp(key, "shape") == 0) {
            if (read_sizes(in, tensor.shape, 8, &tensor.ndim))
                return in->error->code;
            has_shape = 1;
        } else if (strcmp(key, "data_offsets") == 0) {
            if (read_sizes(in, offsets, 2, &noffsets))
                return in->error->code;
        } else {
            return fail(in, "dtype, shape or data_offsets");
        }
    } while (accept(in, ','));
    if (expect(in, '}'))
        return in->error->code;
    if (!has_dtype || !has_shape || noffsets != 2)
        return error_set(in->error, ERROR_DATA, "the tensor %s lacks its dtype, shape or data_offsets", name);
    if (offsets[1] < offsets[0])
        return error_set(in->error, ERROR_DATA, "the tensor %s ends before it begins", name);
    if (offsets[1] > data_size)
        return error_set(in->error, ERROR_DATA,
                         "the file is cut short: the tensor %s ends at byte %zu of the data, which has %zu", name,
                         offsets[1], data_size);
    tensor.size = offsets[1] - offsets[0];
    size_t bytes = safetensors_dtype_size(tensor.dtype);
    for (int k = 0; k < tensor.ndim; k++)
        if (__builtin_mul_overflow(bytes, tensor.shape[k], &bytes))
            return error_set(in->error, ERROR_DATA, "the shape of the tensor %s is too large", name);
    if (bytes != tensor.size)
        return error_set(in->error, ERROR_DATA, "the tensor %s has %zu bytes, but its shape needs %zu", name,
                         tensor.size, bytes);
    tensor.data = data + offsets[0];
    struct tensor *stored = safetensors_new_tensor(file);
    if (!stored)
        return error_memory(in->error);
    *stored = tensor;
    return 0;
}

int safetensors_parse_header(struct safetensors *file, const char *header, size_t header_size, const char *data,
                             size_t data_size, struct error *error) {
    struct header_reader in = {header, header, header + header_size, file->arena, error};
    if (expect(&in, '{'))
        return error->code;
    if (!accept(&in, '}')) {
        do {
            char *name;
            if (read_string(&in, &name) || expect(&in, ':'))
                return error->code;
            int code = strcmp(name, "__metadata__") == 0 ? read_metadata(file, &in)
                                                         : read_tensor(file, &in, name, data, data_size);
            if (code)
                return code;
        } while (accept(&in, ','));
        if (expect(&in, '}'))
            return error->code;
    }
    skip_space(&in);
    return in.at == in.end ? 0 : fail(&in, "the end of the header");
}
