#include "train/csv_log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/text.h"

struct csv_log {
    char *path;
    FILE *stream;
    char **columns; /* sorted */
    size_t ncolumns;
    int64_t rows;
};

static void drop_columns(struct csv_log *log) {
    for (size_t k = 0; k < log->ncolumns; k++)
        free(log->columns[k]);
    free(log->columns);
    log->columns = NULL;
    log->ncolumns = 0;
}

void csv_log_free(struct csv_log *log) {
    if (!log)
        return;
    if (log->stream)
        fclose(log->stream);
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
    return 0;
}

static void add_header(const struct csv_log *log, struct text *out) {
    for (size_t k = 0; k < log->ncolumns; k++)
        text_format(out, "%s%s", k ? "," : "", log->columns[k]);
    text_add(out, "\n");
}

static int write_whole(struct csv_log *log, const struct text *content, struct error *error) {
    struct file_writer *writer;
    if (log->stream)
        fclose(log->stream);
    log->stream = NULL;
    if (content->failed)
        return error_set(error, ERROR_MEMORY, "out of memory");
    int code = file_writer_open(&writer, log->path, error);
    if (code)
        return code;
    if (content->size)
        fwrite(content->data, 1, content->size, file_writer_stream(writer));
    if ((code = file_writer_commit(writer, error)))
        return code;
    log->stream = fopen(log->path, "abe");
    return log->stream ? 0 : error_set(error, ERROR_IO, "cannot write %s: %s", log->path, strerror(errno));
}

/* One line of the file, cut at its end; the cells in place. */
static char *next_line(char **cursor) {
    char *line = *cursor;
    if (!line || !*line)
        return NULL;
    char *end = strchr(line, '\n');
    if (!end) { /* a row that a kill cut short does not count */
        *cursor = NULL;
        return NULL;
    }
    *end = 0;
    *cursor = end + 1;
    return line;
}

static char *next_cell(char **cursor) {
    char *cell = *cursor;
    if (!cell)
        return NULL;
    char *comma = strchr(cell, ',');
    if (comma)
        *comma = 0;
    *cursor = comma ? comma + 1 : NULL;
    return cell;
}

/* Rewrites the rows that are there under the columns that are there now. */
static int rewrite(struct csv_log *log, int64_t keep, struct error *error) {
    char *data, **old = NULL;
    size_t size, nold = 0;
    struct text out = {0}, cut = {0};
    struct error missing = {0};
    add_header(log, &out);
    if (file_read(log->path, &data, &size, &missing))
        data = NULL;
    char *cursor = data, *line = data ? next_line(&cursor) : NULL;
    int code = 0;
    int64_t rows = 0;
    for (char *cell, *c = line; line && (cell = next_cell(&c));) {
        char **more = realloc(old, (nold + 1) * sizeof *old);
        if (!more) {
            code = error_set(error, ERROR_MEMORY, "out of memory");
            goto out;
        }
        old = more;
        old[nold++] = cell;
    }
    while ((line = next_line(&cursor))) {
        if (keep >= 0 && rows >= keep) {
            text_format(&cut, "%s\n", line);
            continue;
        }
        rows++;
        char **cells = calloc(log->ncolumns + 1, sizeof *cells), *cell;
        if (!cells) {
            code = error_set(error, ERROR_MEMORY, "out of memory");
            goto out;
        }
        size_t k = 0;
        for (char *c = line; k < nold && (cell = next_cell(&c)); k++) {
            int there;
            size_t at = place(log, old[k], &there);
            if (there)
                cells[at] = cell;
        }
        for (k = 0; k < log->ncolumns; k++)
            text_format(&out, "%s%s", k ? "," : "", cells[k] ? cells[k] : "");
        text_add(&out, "\n");
        free(cells);
    }
    log->rows = rows;
    if (cut.size) { /* nothing is lost: what no longer belongs to the run is kept aside */
        struct text name = {0};
        text_format(&name, "%s.cut", log->path);
        FILE *aside = name.failed ? NULL : fopen(name.data, "abe");
        if (aside) {
            fwrite(cut.data, 1, cut.size, aside);
            fclose(aside);
        }
        text_free(&name);
    }
    code = write_whole(log, &out, error);
out:
    text_free(&out);
    text_free(&cut);
    free(old);
    free(data);
    return code;
}

int csv_log_open(struct csv_log **out, const char *path, int64_t keep, struct error *error) {
    *out = NULL;
    struct csv_log *log = calloc(1, sizeof *log);
    int code = 0;
    if (!log || !(log->path = strdup(path)) || add_column(log, "epoch") || add_column(log, "step")) {
        csv_log_free(log);
        return error_set(error, ERROR_MEMORY, "out of memory");
    }
    if (keep < 0) {
        struct text empty = {0};
        add_header(log, &empty);
        code = write_whole(log, &empty, error);
        text_free(&empty);
    } else {
        char *data = NULL;
        size_t size;
        struct error missing = {0};
        if (!file_read(path, &data, &size, &missing)) {
            char *cursor = data, *line = next_line(&cursor);
            for (char *cell, *c = line; line && (cell = next_cell(&c));)
                if (add_column(log, cell))
                    code = error_set(error, ERROR_MEMORY, "out of memory");
        }
        free(data);
        if (!code)
            code = rewrite(log, keep, error);
    }
    if (code) {
        csv_log_free(log);
        return code;
    }
    *out = log;
    return 0;
}

int csv_log_row(struct csv_log *log, int64_t epoch, int64_t step, size_t count, const char *const *names,
                const double *values, struct error *error) {
    size_t before = log->ncolumns;
    for (size_t k = 0; k < count; k++)
        if (add_column(log, names[k]))
            return error_set(error, ERROR_MEMORY, "out of memory");
    if (log->ncolumns != before) {
        int code = rewrite(log, -1, error);
        if (code)
            return code;
    }
    if (!log->stream)
        return error_set(error, ERROR_IO, "%s is not open", log->path);
    char number[32];
    for (size_t k = 0; k < log->ncolumns; k++) {
        if (k)
            fputc(',', log->stream);
        if (!strcmp(log->columns[k], "epoch")) {
            if (epoch >= 0)
                fprintf(log->stream, "%lld", (long long)epoch);
        } else if (!strcmp(log->columns[k], "step")) {
            fprintf(log->stream, "%lld", (long long)step);
        } else {
            for (size_t j = 0; j < count; j++)
                if (!strcmp(names[j], log->columns[k]))
                    fputs(text_double(number, values[j]), log->stream);
        }
    }
    fputc('\n', log->stream);
    log->rows++;
    if (fflush(log->stream) || ferror(log->stream)) {
        int why = errno;
        clearerr(log->stream);
        return error_set(error, ERROR_IO, "cannot write %s: %s", log->path, strerror(why));
    }
    return 0;
}
