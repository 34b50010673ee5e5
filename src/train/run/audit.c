/* The audit log: every change that was made to a run, and where.  A line is the place and the words of the change,
 * separated by tabs:
 *
 *     epoch 3, batch 0, step 60, before epoch<TAB>set<TAB>lr<TAB>0.003
 */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "train/core/state.h"
#include "train/run/audit.h"
#include "train/run/change.h"
#include "train/run/cursor.h"
#include "train/run/logging.h"
#include "train/run/trainer.h"
#include "train/run/trainer_internal.h"

enum { MAX_WORDS = 1 + CHANGE_WORDS, LONGEST_LOG = 64 << 20 }; /* the place is a word of a line */

static void add_place(const struct trainer *trainer, struct text *out) {
    const struct cursor *cursor = cursor_of(trainer);
    int64_t epoch = cursor->epoch_open ? cursor->epoch : cursor->epochs, batch = cursor->epoch_open ? cursor->batch : 0;
    text_format(out, "epoch %lld, batch %lld, step %lld, before %s", (long long)epoch, (long long)batch,
                (long long)cursor->step, phase_name((enum phase)cursor->phase));
}

const char *trainer_audit(const struct trainer *trainer) {
    return trainer->audit.text->count ? trainer->audit.text->data : "";
}

int audit_add(struct trainer *trainer, int count, const char *const *words, struct error *error) {
    struct text line = {0};
    size_t before = trainer->audit.text->count ? trainer->audit.text->count - 1 : 0;
    add_place(trainer, &line);
    for (int k = 0; k < count; k++)
        text_format(&line, "\t%s", words[k]);
    text_add(&line, "\n");
    int code = line.failed ? error_memory(error)
                           : state_resize(trainer->state, trainer->audit.text, before + line.size + 1, error);
    if (!code)
        memcpy((char *)trainer->audit.text->data + before, line.data, line.size + 1);
    text_free(&line);
    return code;
}

int audit_write(struct trainer *trainer, struct error *error) {
    struct file_writer *writer;
    struct text path = {0};
    if (!trainer->folder.path || trainer->position.aside)
        return 0;
    text_format(&path, "%s/audit.log", trainer->folder.path);
    int code = path.failed ? error_memory(error) : 0;
    if (!code && (*trainer_audit(trainer) || file_exists(path.data)) &&
        !(code = file_writer_open_own(&writer, path.data, error))) {
        fputs(trainer_audit(trainer), file_writer_stream(writer));
        code = file_writer_commit(writer, error);
    }
    text_free(&path);
    return code;
}

/* The words of a line, which is cut up for it; the place is the first. */
static int split(char *line, const char **words) {
    int count = 0;
    for (char *word = line; word && count < MAX_WORDS;) {
        char *tab = strchr(word, '\t');
        if (tab)
            *tab = 0;
        words[count++] = word;
        word = tab ? tab + 1 : NULL;
    }
    return count;
}

/* A copy of the line at `at`, without its end; NULL at the end of the log or if out of memory. */
static char *line_at(const char *at) {
    return *at ? strndup(at, strcspn(at, "\n")) : NULL;
}

static const char *next_line(const char *at) {
    at += strcspn(at, "\n");
    return at + (*at == '\n');
}

int audit_each(const char *log, int (*call)(void *context, int count, const char *const *words, struct error *error),
               void *context, struct error *error) {
    const char *words[MAX_WORDS];
    int code = 0;
    for (; !code && *log; log = next_line(log)) {
        char *line = line_at(log);
        if (!line)
            return error_memory(error);
        int count = split(line, words);
        if (count > 1)
            code = call(context, count - 1, words + 1, error);
        free(line);
    }
    return code;
}

/* ---------------------------------------------------------------- making the changes again */

static int begins_with_place(const char *line) {
    static const char *const words[] = {"epoch ", ", batch ", ", step "};
    static const char before[] = ", before ";
    for (int k = 0; k < 3; k++) {
        size_t word = strlen(words[k]), digits;
        if (strncmp(line, words[k], word) || !(digits = strspn(line + word, "0123456789")))
            return 0;
        line += word + digits;
    }
    if (strncmp(line, before, sizeof before - 1))
        return 0;
    line += sizeof before - 1;
    return line[strspn(line, "abcdefghijklmnopqrstuvwxyz_")] == '\t' && *line != '\t';
}

static int few_words(const char *line) {
    int count = 1;
    for (; *line && *line != '\n'; line++)
        count += *line == '\t';
    return count <= MAX_WORDS;
}

/* The number of the first line that is none; 0: all are. */
static int first_bad_line(const char *log) {
    for (int number = 1; *log; log = next_line(log), number++)
        if (!begins_with_place(log) || !few_words(log))
            return number;
    return 0;
}

static const char begins[] = "a line of an audit log begins with its place, as \"epoch 3, batch 0, step 60, before "
                             "epoch\", and a tab, and has the words of a change";

int audit_check(const char *log, size_t size, struct error *error) {
    if (!size)
        return 0;
    if (memchr(log, 0, size) != log + size - 1)
        return error_set(error, ERROR_DATA, "the checkpoint's \"state.loop.audit\" is no text that ends with a zero");
    int line = first_bad_line(log);
    return line ? error_set(error, ERROR_DATA, "the checkpoint's \"state.loop.audit\" has a line %d that is none: %s",
                            line, begins)
                : 0;
}

int audit_replay_open(struct trainer *trainer, const char *path, struct error *error) {
    size_t size;
    int code = file_read_stream(path, LONGEST_LOG, &trainer->audit.replay, &size, error), line;
    if (code)
        return code;
    if ((line = first_bad_line(trainer->audit.replay)) || strlen(trainer->audit.replay) < size)
        return error_at(error, ERROR_DATA, path, line, 0, "%s", line ? begins : "an audit log is text, without zeros");
    /* what a checkpoint has in it already was made before */
    const char *made = trainer_audit(trainer);
    trainer->audit.replay_at = trainer->audit.replay;
    if (strncmp(made, trainer->audit.replay, strlen(made)))
        return error_set(error, ERROR_STATE, "%s does not begin with the changes that the checkpoint has", path);
    trainer->audit.replay_at += strlen(made);
    return 0;
}

int audit_replay_text(struct trainer *trainer, const char *log, size_t from, struct error *error) {
    char *copy = strdup(log);
    if (!copy)
        return error_memory(error);
    free(trainer->audit.replay);
    trainer->audit.replay = copy;
    trainer->audit.replay_at = copy + from;
    return 0;
}

int audit_replay(struct trainer *trainer, struct error *error) {
    int code = 0;
    while (!code && trainer->audit.replay_at && *trainer->audit.replay_at) {
        const char *words[MAX_WORDS];
        struct text place = {0};
        char *line = line_at(trainer->audit.replay_at);
        add_place(trainer, &place);
        if (!line || place.failed) {
            free(line);
            text_free(&place);
            return error_memory(error);
        }
        int count = split(line, words), here = !strcmp(words[0], place.data);
        if (here) {
            trainer->audit.replay_at = (char *)next_line(trainer->audit.replay_at);
            trainer_tell(trainer, EVENT_NOTICE, "again, %s: %s %s", words[0], words[1], count > 2 ? words[2] : "");
            code = trainer_change(trainer, count - 1, words + 1, NULL, error);
        }
        free(line);
        text_free(&place);
        if (!here)
            break;
    }
    return code;
}
