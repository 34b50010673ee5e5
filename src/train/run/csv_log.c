#include "train/run/csv_log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"

/* A row that is not in the file yet; names point into the same block of memory. */
struct csv_row {
    struct csv_row *next;
    int64_t epoch, step;
    size_t count;
    const double *values;
    const char *names[];
};

struct csv_log {
    char *path;
    int fd;         /* -1: opened by the next row */
    off_t size;     /* of the file, up to the end of its last whole row */
    char **columns; /* sorted */
    size_t ncolumns;
    int more; /* columns than the file has */
    int64_t rows;
    struct csv_row *waiting, **end;
};

static void drop_columns(struct csv_log *log) {
    for (size_t k = 0; k < log->ncolumns; k++)
        free(log->columns[k]);
    free(log->columns);
    log->columns = NULL;
    log->ncolumns = 0;
}

static void drop_waiting(struct csv_log *log) {
    for (struct csv_row *row = log->waiting, *next; row; row = next) {
        next = row->next;
        free(row);
    }
    log->waiting = NULL;
    log->end = &log->waiting;
}

void csv_log_free(struct csv_log *log) {
    if (!log)
        return;
    if (log->fd >= 0)
        close(log->fd);
    drop_waiting(log);
    drop_columns(log);
    free(log->path);
    free(log);
}

int64_t csv_log_rows(const struct csv_log *log) {
    return log->rows;
}

/* Where a column stands, or where it belongs. */
static size_t place(const struct csv_log *log, const char *name, int *there) {
    size_t lo = 0, hi = log->ncolumns;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (strcmp(log->columns[mid], name) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    *there = lo < log->ncolumns && !strcmp(log->columns[lo], name);
    return lo;
}

static int add_column(struct csv_log *log, const char *name) {
    int there;
    size_t k = place(log, name, &there);
    if (there)
        return 0;
    char **columns = realloc(log->columns, (log->ncolumns + 1) * sizeof *columns), *copy = strdup(name);
    if (columns)
        log->columns = columns;
    if (!columns || !copy) {
        free(copy);
        return -1;
    }
    memmove(columns + k + 1, columns + k, (log->ncolumns - k) * sizeof *columns);
    columns[k] = copy;
    log->ncolumns++;
    log->more = 1;
    return 0;
}

/* As Python's csv module quotes where it must. */
static void add_cell(struct text *out, const char *cell) {
    if (!strpbrk(cell, ",\"\r\n")) {
        text_add(out, cell);
        return;
    }
    text_add(out, "\"");
    for (; *cell; cell++)
        text_add_bytes(out, *cell == '"' ? "\"\"" : cell, *cell == '"' ? 2 : 1);
    text_add(out, "\"");
}

static void add_header(const struct csv_log *log, struct text *out) {
    for (size_t k = 0; k < log->ncolumns; k++) {
        text_add(out, k ? "," : "");
        add_cell(out, log->columns[k]);
    }
    text_add(out, "\n");
}

/* All of it, or none. */
static int append(int fd, off_t size, const char *path, const struct text *rows, struct error *error) {
    if (rows->failed)
        return error_memory(error);
    int why = file_write_all(fd, rows->data, rows->size);
    if (!why)
        return 0;
    if (ftruncate(fd, size)) {
        /* a pipe: what has gone has gone */
    }
    return error_set(error, error_of_system(why), "cannot write %s: %s", path, strerror(why));
}

/* The file as it was stays in use where this fails. */
static int write_whole(struct csv_log *log, const struct text *content, struct error *error) {
    struct file_writer *writer;
    if (content->failed)
        return error_memory(error);
    int code = file_writer_open_own(&writer, log->path, error);
    if (code)
        return code;
    if (content->size)
        fwrite(content->data, 1, content->size, file_writer_stream(writer));
    if ((code = file_writer_commit(writer, error)))
        return code;
    if (log->fd >= 0)
        close(log->fd);
    log->fd = -1; /* that was the file of before */
    log->size = (off_t)content->size;
    log->more = 0;
    return 0;
}

static void add_row(const struct csv_log *log, const struct csv_row *row, struct text *out) {
    char number[32];
    for (size_t k = 0; k < log->ncolumns; k++) {
        if (k)
            text_add(out, ",");
        if (!strcmp(log->columns[k], "epoch")) {
            if (row->epoch >= 0)
                text_format(out, "%lld", (long long)row->epoch);
        } else if (!strcmp(log->columns[k], "step")) {
            text_format(out, "%lld", (long long)row->step);
        } else {
            for (size_t j = 0; j < row->count; j++)
                if (!strcmp(row->names[j], log->columns[k]))
                    text_add(out, text_double(number, row->values[j]));
        }
    }
    text_add(out, "\n");
}

/* ---------------------------------------------------------------- the file as it is */

/* A file in memory, cut into records and cells in place. */
struct csv_reading {
    char *data, *at, *end;
    const char *path;
    size_t line, first; /* of what is read next; of the record read last */
    char **cells;
    size_t count, capacity;
    const char *raw; /* the record as it stands */
    size_t size;
    int whole; /* it has its end */
    char *copy;
};

static int bad_file(const struct csv_reading *r, const char *what, struct error *error) {
    return error_at(error, ERROR_DATA, r->path, (int)r->first, 0,
                    "%s: this is not metrics.csv as a run writes it; move it away, or mend it", what);
}

static void reading_close(struct csv_reading *r) {
    free(r->data);
    free(r->copy);
    free(r->cells);
}

/* *there: whether there is such a file; every error but its absence is one. */
static int reading_open(struct csv_reading *r, const char *path, int *there, struct error *error) {
    size_t size = 0;
    struct stat status;
    *r = (struct csv_reading){.path = path, .line = 1};
    *there = !stat(path, &status);
    if (!*there)
        return errno == ENOENT ? 0
                               : error_set(error, error_of_system(errno), "cannot read %s: %s", path, strerror(errno));
    int code = file_read(path, &r->data, &size, error);
    if (code)
        return code;
    r->at = r->data;
    r->end = r->data + size;
    r->first = 1;
    if (memchr(r->data, 0, size))
        return bad_file(r, "a zero byte", error);
    if (!(r->copy = malloc(size + 1))) /* as it is before it is cut up */
        return error_memory(error);
    memcpy(r->copy, r->data, size + 1);
    return 0;
}

static int add_read(struct csv_reading *r, char *cell) {
    if (r->count == r->capacity) {
        size_t capacity = r->capacity ? 2 * r->capacity : 64;
        char **cells = realloc(r->cells, capacity * sizeof *cells);
        if (!cells)
            return -1;
        r->cells = cells;
        r->capacity = capacity;
    }
    r->cells[r->count++] = cell;
    return 0;
}

/* 1: a record was read; 0: there is none left; -1: out of memory. */
static int next_record(struct csv_reading *r) {
    char *begin = r->at, *to = r->at, *cell = r->at, *p = r->at;
    int quoted = 0;
    if (p == r->end)
        return 0;
    r->count = 0;
    r->first = r->line;
    r->whole = 0;
    for (; p < r->end && !r->whole; p++) {
        r->line += *p == '\n';
        if (*p == '"' && quoted && p[1] == '"') {
            *to++ = *p++;
        } else if (*p == '"' && (quoted || to == cell)) {
            quoted = !quoted;
        } else if (quoted || (*p != ',' && *p != '\n' && !(*p == '\r' && p[1] == '\n'))) {
            *to++ = *p;
        } else if (*p != '\r') {
            r->whole = *p == '\n';
            *to++ = 0;
            if (add_read(r, cell))
                return -1;
            cell = to = p + 1;
        }
    }
    if (!r->whole) {
        *to = 0;
        if (add_read(r, cell))
            return -1;
    }
    r->at = p;
    r->raw = r->copy + (begin - r->data);
    r->size = (size_t)(p - begin);
    return 1;
}

static int put_aside(const struct csv_log *log, const struct text *cut, struct error *error) {
    struct text name = {0};
    text_format(&name, "%s.cut", log->path);
    int fd = name.failed ? -1 : file_append(name.data);
    off_t size = fd < 0 ? -1 : lseek(fd, 0, SEEK_END);
    int code = name.failed ? error_memory(error)
               : fd < 0    ? error_set(error, error_of_system(errno), "cannot write %s: %s", name.data, strerror(errno))
                           : append(fd, size, name.data, cut, error);
    if (fd >= 0)
        close(fd);
    text_free(&name);
    return code;
}

/* The header of a file that is there; the names stay valid. */
static int read_header(struct csv_reading *r, char ***names, size_t *count, struct error *error) {
    int epoch = 0, step = 0, got = next_record(r);
    if (got < 0)
        return error_memory(error);
    *count = got && r->whole ? r->count : 0; /* a header that a kill cut short does not count */
    if (!*count)
        return 0;
    for (size_t k = 0; k < r->count; k++) {
        epoch += !strcmp(r->cells[k], "epoch");
        step += !strcmp(r->cells[k], "step");
    }
    if (epoch != 1 || step != 1)
        return bad_file(r, "no columns epoch and step", error);
    if (!(*names = malloc(*count * sizeof **names)))
        return error_memory(error);
    memcpy(*names, r->cells, *count * sizeof **names);
    return 0;
}

static int add_old(const struct csv_log *log, const struct csv_reading *r, char *const *names, struct text *out,
                   struct error *error) {
    char **cells = calloc(log->ncolumns + 1, sizeof *cells);
    if (!cells)
        return error_memory(error);
    for (size_t k = 0; k < r->count; k++) {
        int there;
        size_t at = place(log, names[k], &there);
        if (there)
            cells[at] = r->cells[k];
    }
    for (size_t k = 0; k < log->ncolumns; k++) {
        text_add(out, k ? "," : "");
        add_cell(out, cells[k] ? cells[k] : "");
    }
    text_add(out, "\n");
    free(cells);
    return 0;
}

/* The rows that are there, and those that wait, under the columns that are there now; keep >= 0: so many of them. */
static int rewrite(struct csv_log *log, int64_t keep, struct error *error) {
    struct csv_reading r;
    struct text out = {0}, cut = {0};
    char **names = NULL;
    size_t count = 0;
    int64_t rows = 0;
    int there, got = 0;
    int code = reading_open(&r, log->path, &there, error);
    if (!code && there)
        code = read_header(&r, &names, &count, error);
    for (size_t k = 0; !code && k < count; k++)
        if (add_column(log, names[k]))
            code = error_memory(error);
    if (!code)
        add_header(log, &out);
    while (!code && count && (got = next_record(&r)) > 0) {
        if (r.whole && r.count == 1 && !*r.cells[0])
            continue;
        if (!r.whole || (keep >= 0 && rows >= keep)) { /* a row that a kill cut short does not count */
            text_add_bytes(&cut, r.raw, r.size);
            text_add(&cut, r.whole ? "" : "\n");
            continue;
        }
        code = r.count == count ? add_old(log, &r, names, &out, error)
                                : bad_file(&r, "a row of another length than the header", error);
        rows++;
    }
    if (!code && got < 0)
        code = error_memory(error);
    for (const struct csv_row *row = log->waiting; row; row = row->next)
        if (keep >= 0 && rows >= keep) {
            add_row(log, row, &cut);
        } else {
            add_row(log, row, &out);
            rows++;
        }
    /* nothing is lost: what no longer belongs to the run is kept aside */
    if (code || (cut.size && (code = put_aside(log, &cut, error))) || (code = write_whole(log, &out, error)))
        goto out;
    log->rows = rows;
    drop_waiting(log);
out:
    text_free(&out);
    text_free(&cut);
    free(names);
    reading_close(&r);
    return code;
}

int csv_log_open(struct csv_log **out, const char *path, int64_t keep, struct error *error) {
    *out = NULL;
    struct csv_log *log = calloc(1, sizeof *log);
    int code = 0;
    if (log) {
        log->fd = -1;
        log->end = &log->waiting;
    }
    if (!log || !(log->path = strdup(path)) || add_column(log, "epoch") || add_column(log, "step")) {
        csv_log_free(log);
        return error_memory(error);
    }
    if (keep < 0) {
        struct text empty = {0};
        add_header(log, &empty);
        code = write_whole(log, &empty, error);
        text_free(&empty);
    } else {
        code = rewrite(log, keep, error);
    }
    if (code) {
        csv_log_free(log);
        return code;
    }
    *out = log;
    return 0;
}

int csv_log_cut(struct csv_log *log, int64_t keep, struct error *error) {
    return rewrite(log, keep, error);
}

int csv_log_write(struct csv_log *log, struct error *error) {
    struct text rows = {0};
    if (log->more)
        return rewrite(log, -1, error);
    if (log->fd < 0 && (log->fd = open(log->path, O_WRONLY | O_APPEND | O_NOFOLLOW | O_CLOEXEC)) < 0)
        return error_set(error, error_of_system(errno), "cannot write %s: %s", log->path, strerror(errno));
    for (const struct csv_row *row = log->waiting; row; row = row->next)
        add_row(log, row, &rows);
    int code = append(log->fd, log->size, log->path, &rows, error);
    if (!code) {
        log->size += (off_t)rows.size;
        drop_waiting(log);
    }
    text_free(&rows);
    return code;
}

int csv_log_waits(const struct csv_log *log) {
    return log->waiting != NULL;
}

static struct csv_row *row_new(int64_t epoch, int64_t step, size_t count, const char *const *names,
                               const double *values) {
    size_t size = sizeof(struct csv_row) + count * (sizeof *names + sizeof *values);
    for (size_t k = 0; k < count; k++)
        size += strlen(names[k]) + 1;
    struct csv_row *row = malloc(size);
    if (!row)
        return NULL;
    *row = (struct csv_row){.epoch = epoch, .step = step, .count = count, .values = (double *)(row->names + count)};
    if (count)
        memcpy(row->names + count, values, count * sizeof *values);
    char *text = (char *)(row->values + count);
    for (size_t k = 0; k < count; k++) {
        row->names[k] = strcpy(text, names[k]);
        text += strlen(text) + 1;
    }
    return row;
}

int csv_log_row(struct csv_log *log, int64_t epoch, int64_t step, size_t count, const char *const *names,
                const double *values, struct error *error) {
    for (size_t k = 0; k < count; k++)
        if (add_column(log, names[k]))
            return error_memory(error);
    struct csv_row *row = row_new(epoch, step, count, names, values);
    if (!row)
        return error_memory(error);
    *log->end = row;
    log->end = &row->next;
    log->rows++;
    return csv_log_write(log, error);
}
