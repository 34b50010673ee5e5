#include "console.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include "base/file.h"
#include "base/print.h"
#include "signals.h"

static const char erase_line[] = "\r\033[K";

void console_init(struct console *console) {
    const char *terminal = getenv("TERM");

    memset(console, 0, sizeof *console);
    console->err = stderr;
    console->live = isatty(STDERR_FILENO) && terminal && strcmp(terminal, "dumb") != 0;
    console->threshold = log_threshold();
}

int console_width(void) {
    struct winsize size;

    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        return size.ws_col;
    return 80;
}

static void wipe(struct console *console) {
    if (console->live && console->progress[0])
        fputs(erase_line, console->err);
}

static void redraw(struct console *console) {
    if (console->live && console->progress[0])
        fputs(console->progress, console->err);
    fflush(console->err);
}

void console_progress(struct console *console, const char *line) {
    size_t width = (size_t)console_width();

    if (!console->live || strcmp(line, console->progress) == 0)
        return;
    wipe(console);
    text_shown(console->progress, sizeof console->progress, line);
    /* A line that wraps could not be wiped. */
    if (strlen(console->progress) >= width)
        console->progress[width - 1] = '\0';
    redraw(console);
}

static void add_shown(struct text *out, const char *format, va_list arguments) {
    char *raw = print_new_v(format, arguments);

    if (!raw)
        return;
    text_add_shown(out, raw, strlen(raw));
    free(raw);
}

static void add_line(struct text *out, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void add_line(struct text *out, const char *format, ...) {
    va_list arguments;

    va_start(arguments, format);
    add_shown(out, format, arguments);
    va_end(arguments);
    text_add(out, "\n");
}

/* To the log, or to what will stand in it. */
static void note(struct console *console, const char *line) {
    if (console->log) {
        fputs(line, console->log);
        fflush(console->log);
    } else if (console->keep) {
        text_add(&console->early, line);
    }
}

void console_say(struct console *console, const char *format, ...) {
    struct text line = {0};
    va_list arguments;

    va_start(arguments, format);
    add_shown(&line, format, arguments);
    va_end(arguments);
    text_add(&line, "\n");
    if (line.data) {
        wipe(console);
        fputs(line.data, console->err);
        redraw(console);
        note(console, line.data);
    }
    text_free(&line);
}

void console_write(FILE *stream, const char *format, ...) {
    struct text text = {0};
    va_list arguments;

    va_start(arguments, format);
    add_shown(&text, format, arguments);
    va_end(arguments);
    if (text.data)
        fputs(text.data, stream);
    text_free(&text);
}

void console_open_log(struct console *console, const char *path) {
    console->log = file_append_stream(path);
    if (console->log && console->early.data)
        fputs(console->early.data, console->log);
    text_free(&console->early);
    console->keep = 0;
}

void console_close_log(struct console *console) {
    if (console->log)
        fclose(console->log);
    console->log = NULL;
    text_free(&console->early);
}

void console_error(struct console *console, const struct error *error) {
    char text[1536];

    for (size_t k = 0; error_format_all(error, k, text, sizeof text); k++)
        console_say(console, "fettle: %s", text);
}

static int is_said(const struct console *console, const char *prefix, const char *message) {
    struct text line = {0};
    const char *at = console->early.data;

    add_line(&line, "%s%s", prefix, message);
    while (at && line.data && (at = strstr(at, line.data)) && at != console->early.data && at[-1] != '\n')
        at++;
    int said = at && line.data;
    text_free(&line);
    return said;
}

static void sink(void *context, enum log_level level, const char *message) {
    static const char *const prefixes[] = {"", "", "notice: ", "warning: ", "error: "};
    struct console *console = context;

    if (level >= console->threshold && !(console->once && is_said(console, prefixes[level], message)))
        console_say(console, "%s%s", prefixes[level], message);
}

void console_take_log(struct console *console) {
    log_set_sink(sink, console);
}

void console_print(struct console *console, const char *text) {
    struct text shown = {0};

    console_progress(console, "");
    text_add_shown(&shown, text, strlen(text));
    errno = 0;
    int why = fflush(stdout) ? (errno ? errno : EIO) : 0;
    /* not by stdio, which a signal costs what has not been written yet */
    if (!why && shown.data)
        why = file_write_all(STDOUT_FILENO, shown.data, shown.size);
    if (!console->out_error)
        console->out_error = why;
    text_free(&shown);
}

int console_close_output(struct console *console, struct error *error) {
    int failed = ferror(stdout), why = console->out_error;

    errno = 0;
    if (fclose(stdout) == 0 && !failed && !why)
        return 0;
    why = why ? why : errno ? errno : EIO;
    if (why == EPIPE)
        return ERROR_IO;
    return error_set(error, error_of_system(why), "writing to standard output: %s", strerror(why));
}
