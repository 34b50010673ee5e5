#include "recall.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <readline/history.h>
#include <readline/readline.h>
#include "base/file.h"
#include "user_folder.h"

enum { LINES_KEPT = 2000, LAST_WORD = -1 };

/* readline's callbacks carry no context. */
static struct {
    char file[4096];
    int place;
    char **edited; /* by place, NULL where nothing was; as many as there were places when the first one was */
    int nedited;
    int next; /* the line that the next one begins as, in history_base's count; 0: none */
    struct {
        int place, by, word, from, to;
    } yanked;
} recall;

/* ---------------------------------------------------------------- the list and its file */

static void find_file(void) {
    char folder[USER_FOLDER];

    user_folder("XDG_STATE_HOME", ".local/state", folder);
    recall.file[0] = '\0';
    /* Where the folder cannot be made there is no history file: no reason to stop anyone. */
    if (folder[0] && file_make_directories(folder, NULL) == 0)
        snprintf(recall.file, sizeof recall.file, "%s/history", folder);
}

void recall_open(void) {
    using_history();
    find_file();
    if (recall.file[0])
        read_history(recall.file);
    using_history();
    recall_begin();
}

static void forget_edits(void) {
    for (int k = 0; k < recall.nedited; k++)
        free(recall.edited[k]);
    free(recall.edited);
    recall.edited = NULL;
    recall.nedited = 0;
}

void recall_close(void) {
    if (recall.file[0]) {
        stifle_history(LINES_KEPT);
        write_history(recall.file);
    }
    forget_edits();
    clear_history();
    rl_clear_history();
}

void recall_add(const char *line) {
    HIST_ENTRY *last = history_length ? history_get(history_base + history_length - 1) : NULL;

    if (line[0] && !(last && strcmp(last->line, line) == 0))
        add_history(line);
    using_history();
}

/* ---------------------------------------------------------------- where one stands */

int recall_count(void) {
    return history_length;
}

int recall_place(void) {
    return recall.place < history_length ? recall.place : history_length;
}

const char *recall_line(int place) {
    HIST_ENTRY *entry;

    if (place < recall.nedited && recall.edited[place])
        return recall.edited[place];
    entry = place < history_length ? history_get(history_base + place) : NULL;
    return entry ? entry->line : "";
}

void recall_keep(void) {
    int place = recall_place();

    if (!recall.edited && (recall.edited = calloc((size_t)history_length + 1, sizeof *recall.edited)))
        recall.nedited = history_length + 1;
    if (place >= recall.nedited || strcmp(recall_line(place), rl_line_buffer) == 0)
        return;
    free(recall.edited[place]);
    recall.edited[place] = strdup(rl_line_buffer);
}

static int in_vi_commands(void) {
    return rl_editing_mode == 0 && rl_get_keymap() == vi_movement_keymap;
}

void recall_show(int place) {
    recall.place = place;
    rl_replace_line(recall_line(place), 1);
    rl_point = in_vi_commands() ? 0 : rl_end;
    rl_mark = 0;
}

void recall_go(int place) {
    recall_keep();
    recall_show(place);
}

void recall_begin(void) {
    int place = recall.next - history_base;

    forget_edits();
    recall.place = history_length;
    if (recall.next && place >= 0 && place < history_length)
        recall_go(place);
    recall.next = 0;
}

/* ---------------------------------------------------------------- commands */

static int walk(int by) {
    int count = recall_count(), to = recall_place() + by;

    to = to < 0 ? 0 : to > count ? count : to;
    if (to == recall_place())
        rl_ding();
    else
        recall_go(to);
    return 0;
}

int recall_previous(int count, int key) {
    (void)key;
    return walk(-count);
}

int recall_next(int count, int key) {
    (void)key;
    return walk(count);
}

int recall_first(int count, int key) {
    (void)count, (void)key;
    return walk(-recall_count());
}

int recall_last(int count, int key) {
    (void)count, (void)key;
    return walk(recall_count());
}

/* The line of a number, or one that lies so many lines back. */
int recall_fetch(int count, int key) {
    if (!rl_explicit_arg)
        return recall_first(count, key);
    int to = count >= 0 ? count - history_base : recall_place() + count;
    if (to >= 0 && to < recall_count())
        recall_go(to);
    else if (rl_editing_mode == 0)
        rl_ding();
    else
        recall_first(count, key);
    return 0;
}

/* Executes the line; the next one begins as the one that follows it here. */
int recall_operate(int count, int key) {
    int place = recall_place();

    recall.next = rl_explicit_arg ? count : place < recall_count() ? history_base + place + 1 : 0;
    return rl_newline(1, key);
}

/* What a command takes as one: quoted, or without blanks.  NULL behind the last. */
static const char *next_word(const char *text, size_t *size) {
    const char *end = text += strspn(text, " \t");
    char quote = 0;

    for (; *end && (quote || (*end != ' ' && *end != '\t')); end++)
        if (*end == '\\' && quote && end[1])
            end++;
        else if (*end == quote)
            quote = 0;
        else if (!quote && (*end == '"' || *end == '\''))
            quote = *end;
    *size = (size_t)(end - text);
    return *size ? text : NULL;
}

/* Counted from 0, or back from the last, -1.  The caller's to free; NULL: there is none. */
static char *find_word(const char *line, int word) {
    const char *found;
    size_t size;
    int count = 0;

    for (const char *c = line; word < 0 && (found = next_word(c, &size)); c = found + size)
        count++;
    for (word = word < 0 ? word + count : word; word >= 0 && (found = next_word(line, &size)); word--) {
        if (!word)
            return strndup(found, size);
        line = found + size;
    }
    return NULL;
}

static int insert_word(int place, int word) {
    char *text = place >= 0 && place < recall_count() ? find_word(recall_line(place), word) : NULL;

    recall.yanked.from = recall.yanked.to = rl_point;
    if (!text) {
        rl_ding();
        return 0;
    }
    if (in_vi_commands()) {
        rl_vi_append_mode(1, 'a');
        recall.yanked.from = rl_point;
        rl_insert_text(" ");
    }
    rl_insert_text(text);
    recall.yanked.to = rl_point;
    free(text);
    return 0;
}

/* As bash has it, of the line before: the first word behind the command, or the one of a number. */
int recall_yank_word(int count, int key) {
    (void)key;
    return insert_word(recall_place() - 1, rl_explicit_arg ? count : 1);
}

int recall_yank_word_vi(int count, int key) {
    (void)key;
    return insert_word(recall_place() - 1, rl_explicit_arg ? count - 1 : LAST_WORD);
}

/* Again: of the line before that one. */
int recall_yank_last_word(int count, int key) {
    (void)key;
    if (rl_last_func != recall_yank_last_word) {
        recall.yanked.place = recall_place() - 1;
        recall.yanked.by = -1;
        recall.yanked.word = rl_explicit_arg ? count : LAST_WORD;
    } else {
        if (count < 0)
            recall.yanked.by = -recall.yanked.by;
        int place = recall.yanked.place + recall.yanked.by;
        if (place < 0 || place >= recall_place()) {
            rl_ding();
            return 0;
        }
        recall.yanked.place = place;
        if (recall.yanked.to > recall.yanked.from && recall.yanked.to <= rl_end) {
            rl_delete_text(recall.yanked.from, recall.yanked.to);
            rl_point = recall.yanked.from;
        }
    }
    return insert_word(recall.yanked.place, recall.yanked.word);
}
