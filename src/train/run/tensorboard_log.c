/* Event files of TensorBoard: records of TFRecord's framing, each a protobuf Event with one scalar.
 *
 * A record is its length (8 bytes), a checksum of that (4), the event, and a checksum of it (4), all little-endian; the
 * checksums are CRC-32C, rotated and shifted so that checksums of data with checksums in them are no weaker.  Fields by
 * number, as event.proto and summary.proto have them. */
#include "train/run/tensorboard_log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"

struct tensorboard_log {
    char *path, *prefix;
    int fd;
    off_t size;
};

enum { VARINT = 0, FIXED64 = 1, BYTES = 2, FIXED32 = 5 };
enum { EVENT_WALL_TIME = 1, EVENT_STEP = 2, EVENT_VERSION = 3, EVENT_SUMMARY = 5, EVENT_SESSION = 7 };
enum { SUMMARY_VALUE = 1, VALUE_TAG = 1, VALUE_NUMBER = 2, SESSION_STATUS = 1, SESSION_START = 1 };

/* ---------------------------------------------------------------- bytes */

static uint32_t masked_checksum(const char *bytes, size_t size) {
    uint32_t crc = 0xffffffff;
    for (size_t k = 0; k < size; k++) {
        crc ^= (unsigned char)bytes[k];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0); /* Castagnoli's polynomial */
    }
    crc = ~crc;
    return (crc >> 15 | crc << 17) + 0xa282ead8;
}

static void add_fixed(struct text *out, uint64_t value, int bytes) {
    for (int k = 0; k < bytes; k++, value >>= 8)
        text_add_bytes(out, &(const char){(char)(value & 0xff)}, 1);
}

static void add_varint(struct text *out, uint64_t value) {
    for (; value > 0x7f; value >>= 7)
        text_add_bytes(out, &(const char){(char)(value | 0x80)}, 1);
    text_add_bytes(out, &(const char){(char)value}, 1);
}

static void add_key(struct text *out, unsigned field, unsigned type) {
    add_varint(out, field << 3 | type);
}

static void add_field(struct text *out, unsigned field, const char *bytes, size_t size) {
    add_key(out, field, BYTES);
    add_varint(out, size);
    text_add_bytes(out, bytes, size);
}

static uint64_t bits_of(double value) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static uint32_t bits_of_float(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

/* ---------------------------------------------------------------- events */

/* step < 0: none.  field: what it is, and its message. */
static void add_event(struct text *out, int64_t step, unsigned field, const char *message, size_t size) {
    struct text event = {0};
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    add_key(&event, EVENT_WALL_TIME, FIXED64);
    add_fixed(&event, bits_of((double)now.tv_sec + 1e-9 * (double)now.tv_nsec), 8);
    if (step >= 0) {
        add_key(&event, EVENT_STEP, VARINT);
        add_varint(&event, (uint64_t)step);
    }
    add_field(&event, field, message, size);
    struct text length = {0};
    add_fixed(&length, event.size, 8);
    if (!event.failed && !length.failed) {
        text_add_bytes(out, length.data, length.size);
        add_fixed(out, masked_checksum(length.data, length.size), 4);
        text_add_bytes(out, event.data, event.size);
        add_fixed(out, masked_checksum(event.data, event.size), 4);
    }
    out->failed |= event.failed | length.failed;
    text_free(&length);
    text_free(&event);
}

static void add_scalar(struct text *out, const char *prefix, const char *name, double value, int64_t step) {
    struct text tag = {0}, number = {0}, summary = {0};
    text_format(&tag, "%s%s%s", prefix, *prefix ? "-" : "", name);
    add_field(&number, VALUE_TAG, tag.data ? tag.data : "", tag.size);
    add_key(&number, VALUE_NUMBER, FIXED32);
    add_fixed(&number, bits_of_float((float)value), 4);
    add_field(&summary, SUMMARY_VALUE, number.data ? number.data : "", number.size);
    if (!tag.failed && !number.failed && !summary.failed)
        add_event(out, step, EVENT_SUMMARY, summary.data, summary.size);
    out->failed |= tag.failed | number.failed | summary.failed;
    text_free(&tag);
    text_free(&number);
    text_free(&summary);
}

static void add_start(struct text *out, int64_t step) {
    const char message[] = {SESSION_STATUS << 3 | VARINT, SESSION_START};
    add_event(out, step, EVENT_SESSION, message, sizeof message);
}

/* ---------------------------------------------------------------- the file */

/* All of it, or none. */
static int append(struct tensorboard_log *log, const struct text *events, struct error *error) {
    if (events->failed)
        return error_memory(error);
    int why = file_write_all(log->fd, events->data, events->size);
    if (!why) {
        log->size += (off_t)events->size;
        return 0;
    }
    if (ftruncate(log->fd, log->size)) {
        /* what has gone has gone: a reader passes over a record that is cut short */
    }
    return error_set(error, error_of_system(why), "cannot write %s: %s", log->path, strerror(why));
}

int tensorboard_log_open(struct tensorboard_log **out, const char *folder, const char *prefix, int64_t from,
                         struct error *error) {
    static const char version[] = "brain.Event:2";
    struct text path = {0}, events = {0};
    char host[128] = "localhost";
    int code = 0;
    *out = NULL;
    struct tensorboard_log *log = calloc(1, sizeof *log);
    if (gethostname(host, sizeof host - 1))
        snprintf(host, sizeof host, "localhost");
    for (char *c = host; *c; c++)
        if (*c == '/')
            *c = '_';
    for (int number = 0; !path.failed && (!number || file_exists(path.data)); number++) {
        text_clear(&path);
        text_format(&path, "%s/events.out.tfevents.%lld.%s.%ld.%d", folder, (long long)time(NULL), host, (long)getpid(),
                    number);
    }
    if (log) {
        log->path = path.failed ? NULL : strdup(path.data);
        log->prefix = strdup(prefix ? prefix : "");
        log->fd = -1;
    }
    text_free(&path);
    if (!log || !log->path || !log->prefix) {
        tensorboard_log_free(log);
        return error_memory(error);
    }
    if ((log->fd = file_append(log->path)) < 0)
        code = error_set(error, error_of_system(errno), "cannot write %s: %s", log->path, strerror(errno));
    add_event(&events, -1, EVENT_VERSION, version, sizeof version - 1);
    if (from >= 0)
        add_start(&events, from);
    if (!code)
        code = append(log, &events, error);
    text_free(&events);
    if (code) {
        tensorboard_log_free(log);
        return code;
    }
    *out = log;
    return 0;
}

void tensorboard_log_free(struct tensorboard_log *log) {
    if (!log)
        return;
    if (log->fd >= 0)
        close(log->fd);
    free(log->path);
    free(log->prefix);
    free(log);
}

int tensorboard_log_row(struct tensorboard_log *log, int64_t epoch, int64_t step, size_t count,
                        const char *const *names, const double *values, struct error *error) {
    struct text events = {0};
    for (size_t k = 0; k < count; k++)
        add_scalar(&events, log->prefix, names[k], values[k], step);
    if (epoch >= 0)
        add_scalar(&events, log->prefix, "epoch", (double)epoch, step);
    int code = append(log, &events, error);
    text_free(&events);
    return code;
}

int tensorboard_log_back(struct tensorboard_log *log, int64_t step, struct error *error) {
    struct text events = {0};
    add_start(&events, step);
    int code = append(log, &events, error);
    text_free(&events);
    return code;
}
