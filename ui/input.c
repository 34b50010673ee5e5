#include "input.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { ESCAPE_MS = 50 }; /* a key's sequence comes within this */

static const char paste_begin[] = "\033[200~", paste_end[] = "\033[201~";

static void ask(int descriptor, const char *sequence) {
    if (write(descriptor, sequence, strlen(sequence)) < 0) {
        /* it is gone: reading will tell */
    }
}

void input_ask(int descriptor, int mouse) {
    ask(descriptor, "\033[?2004h");
    ask(descriptor, mouse ? "\033[?1000h\033[?1006h" : "\033[?1006l\033[?1000l");
}

void input_ask_no_more(int descriptor) {
    ask(descriptor, "\033[?1006l\033[?1000l\033[?2004l");
}

static int wait_for(int ms) {
    struct pollfd poller = {STDIN_FILENO, POLLIN, 0};
    return poll(&poller, 1, ms) > 0 && poller.revents & POLLIN;
}

int input_read(struct input *input) {
    if (input->count == sizeof input->bytes)
        return 1;
    ssize_t size = read(STDIN_FILENO, input->bytes + input->count, sizeof input->bytes - input->count);
    if (size > 0)
        input->count += (size_t)size;
    return size > 0 || (size < 0 && (errno == EINTR || errno == EAGAIN));
}

void input_take(struct input *input, size_t count) {
    input->count -= count;
    memmove(input->bytes, input->bytes + count, input->count);
}

int input_byte(struct input *input, int (*ending)(void)) {
    enum { GIVE_UP = 7 }; /* Ctrl-G */
    if (!input->count) {
        int ready = wait_for(1000);
        if (ending() || (ready && !input_read(input)))
            return -1;
    }
    if (!input->count)
        return GIVE_UP;
    unsigned char byte = (unsigned char)input->bytes[0];
    input_take(input, 1);
    return byte;
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

static enum input_kind next_pasted(struct input *input) {
    char *end = memmem(input->bytes, input->count, paste_end, sizeof paste_end - 1);
    size_t size = end ? (size_t)(end - input->bytes) : input->count, used = 0;
    if (!end) { /* a part of the end may be there already */
        char *escape = memrchr(input->bytes, '\033', input->count);
        size_t part = escape ? (size_t)(input->bytes + input->count - escape) : 0;
        if (part && part < sizeof paste_end - 1 && !memcmp(escape, paste_end, part))
            size -= part;
    }
    for (size_t k = 0; k < size; k++) {
        unsigned char c = (unsigned char)input->bytes[k];
        if (c == '\r' || c == '\n')
            input->text[used++] = '\n';
        else if (c == '\t')
            input->text[used++] = ' ';
        else if (c >= ' ' && c != 127)
            input->text[used++] = (char)c;
    }
    input->text[used] = 0;
    input_take(input, end ? size + sizeof paste_end - 1 : size);
    input->pasting = !end;
    return size || end ? INPUT_PASTE : INPUT_NOTHING;
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
    if (input->pasting)
        return input->count ? next_pasted(input) : INPUT_NOTHING;
    if (!input->count)
        return INPUT_NOTHING;
    if (input->bytes[0] != '\033')
        return INPUT_TEXT;
    if (input->count == 1)
        complete(input, "\033[");
    if (input->count > 1)
        complete(input, paste_begin);
    if (begins(input, "\033[<"))
        return read_mouse(input) ? INPUT_MOUSE : input_next(input);
    if (begins(input, paste_begin)) {
        input_take(input, sizeof paste_begin - 1);
        input->pasting = 1;
        return input_next(input);
    }
    if (input->count == 1) {
        input_take(input, 1);
        return INPUT_ESCAPE;
    }
    return INPUT_TEXT;
}
