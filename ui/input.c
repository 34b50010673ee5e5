#include "input.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "base/clock.h"

enum { ESCAPE_MS = 50 };               /* a key's sequence comes within this */
static const double paste_seconds = 3; /* a paste that has paused for so long has lost its end */

static const char paste_begin[] = "\033[200~", paste_end[] = "\033[201~";

static void ask(int descriptor, const char *sequence) {
    if (write(descriptor, sequence, strlen(sequence)) < 0) {
        /* it is gone: reading will tell */
    }
}

void input_ask_pastes(int descriptor, int on) {
    ask(descriptor, on ? "\033[?2004h" : "\033[?2004l");
}

void input_ask(int descriptor, int mouse) {
    input_ask_pastes(descriptor, 1);
    ask(descriptor, mouse ? "\033[?1000h\033[?1006h" : "\033[?1006l\033[?1000l");
}

const char input_no_more[] = "\033[?1006l\033[?1000l\033[?2004l";

void input_ask_no_more(int descriptor) {
    ask(descriptor, input_no_more);
}

static int wait_for(int ms) {
    struct pollfd poller = {STDIN_FILENO, POLLIN, 0};
    return poll(&poller, 1, ms) > 0 && poller.revents & POLLIN;
}

int input_read(struct input *input) {
    size_t most = sizeof input->bytes - input->count;
    if (!most)
        return 1;
    if (input->at_once && most > input->at_once)
        most = input->at_once;
    ssize_t size = read(STDIN_FILENO, input->bytes + input->count, most);
    if (size > 0)
        input->count += (size_t)size;
    return size > 0 || (size < 0 && (errno == EINTR || errno == EAGAIN));
}

void input_take(struct input *input, size_t count) {
    input->count -= count;
    memmove(input->bytes, input->bytes + count, input->count);
}

static int is_signal(const struct input *input, char c) {
    unsigned char byte = (unsigned char)c;
    return byte && (byte == input->interrupt || byte == input->stop || byte == input->ignored);
}

size_t input_text_size(const struct input *input) {
    size_t size = 0;
    while (size < input->count && !is_signal(input, input->bytes[size]))
        size++;
    return size;
}

int input_byte(struct input *input) {
    enum { GIVE_UP = 7 }; /* Ctrl-G */
    if (!input->count && wait_for(ESCAPE_MS) && !input_read(input))
        return -1;
    if (!input_text_size(input))
        return GIVE_UP;
    unsigned char byte = (unsigned char)input->bytes[0];
    input_take(input, 1);
    input->last = (char)byte;
    return byte;
}

int input_goes_on(const struct input *input) {
    return input_text_size(input) && input->last == '\033';
}

void input_begin_paste(struct input *input) {
    input->pasting = 1;
    input->pasted = clock_seconds();
}

void input_end_paste(struct input *input) {
    input->pasting = 0;
}

static int begins(const struct input *input, const char *sequence) {
    size_t size = strlen(sequence);
    return input->count >= size && !memcmp(input->bytes, sequence, size);
}

/* Waits for what may follow, where all that is there is the beginning of a sequence. */
static void complete(struct input *input, const char *sequence) {
    while (input->count < strlen(sequence) && !memcmp(input->bytes, sequence, input->count))
        if (!wait_for(ESCAPE_MS) || !input_read(input))
            break;
}

/* Up to the end of a line; \r\n is one. */
static enum input_kind next_pasted(struct input *input) {
    size_t most = input_text_size(input);
    char *end = memmem(input->bytes, most, paste_end, sizeof paste_end - 1);
    size_t size = end ? (size_t)(end - input->bytes) : most, used = 0, taken = 0;
    if (!end && most == input->count) { /* a part of the end may be there already */
        char *escape = memrchr(input->bytes, '\033', input->count);
        size_t part = escape ? (size_t)(input->bytes + input->count - escape) : 0;
        if (part && part < sizeof paste_end - 1 && !memcmp(escape, paste_end, part))
            size -= part;
    }
    while (taken < size && !(used && input->text[used - 1] == '\n')) {
        char c = input->bytes[taken++], before = input->last;
        input->last = c;
        if (c == '\r' || (c == '\n' && before != '\r'))
            input->text[used++] = '\n';
        else if (c == '\t')
            input->text[used++] = ' ';
        else if ((unsigned char)c >= ' ' && c != 127)
            input->text[used++] = c;
    }
    input->text[used] = 0;
    input_take(input, taken);
    input->pasted = clock_seconds();
    if (taken == size && end) {
        input_take(input, sizeof paste_end - 1);
        input_end_paste(input);
    }
    return taken || end ? INPUT_PASTE : INPUT_NOTHING;
}

/* ESC [ < button ; column ; row M or m */
static int read_mouse(struct input *input) {
    char line[64], last;
    int size;
    for (;;) {
        size_t length = 3;
        while (length < input->count && length < sizeof line - 1 && strchr("0123456789;", input->bytes[length]))
            length++;
        if (length < input->count || length == sizeof line - 1) {
            memcpy(line, input->bytes, length + 1 < sizeof line ? length + 1 : length);
            line[length + 1 < sizeof line ? length + 1 : length] = 0;
            break;
        }
        if (!wait_for(ESCAPE_MS) || !input_read(input)) {
            input_take(input, input->count);
            return 0;
        }
    }
    if (sscanf(line, "\033[<%d;%d;%d%c%n", &input->mouse.button, &input->mouse.column, &input->mouse.row, &last,
               &size) != 4 ||
        !strchr("Mm", last)) {
        input_take(input, 3);
        return 0;
    }
    input->mouse.column--;
    input->mouse.row--;
    input->mouse.pressed = last == 'M';
    input_take(input, (size_t)size);
    return 1;
}

enum input_kind input_next(struct input *input) {
    if (input->count && is_signal(input, input->bytes[0])) {
        char byte = input->bytes[0];
        input_take(input, 1);
        return byte == (char)input->interrupt ? INPUT_INTERRUPT
               : byte == (char)input->stop    ? INPUT_STOP
                                              : input_next(input);
    }
    if (input->pasting && clock_seconds() - input->pasted > paste_seconds)
        input_end_paste(input);
    if (input->pasting)
        return input->count ? next_pasted(input) : INPUT_NOTHING;
    if (!input->count)
        return INPUT_NOTHING;
    if (input->bytes[0] != '\033')
        return INPUT_TEXT;
    if (input->count == 1)
        complete(input, "\033[");
    if (input->count > 1) {
        complete(input, paste_begin);
        complete(input, paste_end);
    }
    if (begins(input, "\033[<"))
        return read_mouse(input) ? INPUT_MOUSE : input_next(input);
    if (begins(input, paste_begin)) {
        input_take(input, sizeof paste_begin - 1);
        input_begin_paste(input);
        return input_next(input);
    }
    if (begins(input, paste_end)) { /* of nothing */
        input_take(input, sizeof paste_end - 1);
        return input_next(input);
    }
    if (input_text_size(input) == 1) {
        input_take(input, 1);
        return INPUT_ESCAPE;
    }
    return INPUT_TEXT;
}
