/* What comes from a terminal: keys, escape sequences, pastes and mouse events at the prompt.  The first byte chooses
 * the mode of editing, and whether keys are those of the panes. */
#include "prompt.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <readline/history.h>
#include <readline/readline.h>
#include "common.h"
#include "keys.h"

enum { VI = 1, PANES = 2, WIDTH = 80, LONGEST = 2 * 16384, MOST = 4000 };

static struct input input;
static int ended;

static int complete(const char *line, const char *word, void (*add)(void *context, const char *candidate),
                    void *context) {
    static const char *const words[] = {"print", "step", "strategy", "stop", "stepi", "val0_epoch/forces_mae"};
    for (size_t k = 0; k < sizeof words / sizeof *words; k++)
        if (!strncmp(words[k], word, strlen(word)))
            add(context, words[k]);
    return line[0] == 's';
}

static void take(char *line) {
    ended |= !line;
    free(line);
}

static void draw(void) {
    if (rl_point < 0 || rl_point > rl_end || rl_end > LONGEST || rl_line_buffer[rl_end] || !rl_display_prompt)
        fuzz_fail("the line is out of order: point %d, end %d", rl_point, rl_end);
}

static void draw_anew(void) {
}

static void say(const char *text) {
    if (!strlen(text))
        fuzz_fail("nothing is said");
}

static int width(void) {
    return WIDTH;
}

/* Nothing comes behind the input, however long one waits. */
int __wrap_poll(struct pollfd *polled, nfds_t count, int timeout);
int __wrap_poll(struct pollfd *polled, nfds_t count, int timeout) {
    (void)polled, (void)count, (void)timeout;
    return 0;
}

void fuzz_open(void) {
    setenv("INPUTRC", "/dev/null", 1);
    setenv("XDG_STATE_HOME", fuzz_folder(), 1);
    setenv("HOME", fuzz_folder(), 1);
    setenv("TERM", "xterm-256color", 1);
}

static void obey(int panes) {
    enum input_kind kind;
    size_t used;
    while (!ended && (kind = input_next(&input)) != INPUT_NOTHING) {
        if (kind == INPUT_MOUSE || (kind == INPUT_ESCAPE && !prompt_wants_escape()))
            continue;
        if (!panes || kind != INPUT_TEXT) {
            prompt_obey(kind);
            continue;
        }
        keys_find(input.bytes, input.count, &used);
        if (!used || used > input.count)
            fuzz_fail("a key of %zu bytes where there are %zu", used, input.count);
        input_take(&input, used);
    }
}

void fuzz_input(const uint8_t *data, size_t size) {
    static const struct prompt_options options = {complete, take, draw, draw_anew, say, width, &input, "(fettle) "};
    static int opened;
    if (!size || size > MOST)
        return;
    memset(&input, 0, sizeof input);
    ended = 0;
    rl_variable_bind("editing-mode", data[0] & VI ? "vi" : "emacs");
    if (!opened)
        prompt_open_with(&options);
    opened = 1;
    memcpy(input.bytes, data + 1, size - 1);
    input.count = size - 1;
    obey(data[0] & PANES);
    prompt_clear();
    rl_clear_history();
    if (!fuzz_replays())
        return; /* opening it takes longer than an input does */
    prompt_close();
    fclose(rl_outstream);
    rl_outstream = stdout;
    opened = 0;
}
