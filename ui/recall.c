#include "recall.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <readline/history.h>
#include <readline/readline.h>
#include "base/file.h"
#include "user_folder.h"

enum { LINES_KEPT = 2000, NOWHERE = -1 };

/* readline's callbacks carry no context. */
static struct {
    char file[4096];
    int place; /* where readline stood when what can be undone was last forgotten */
} recall;

static HIST_ENTRY *entry_at(int place) {
    return history_get(history_base + place);
}

static void find_file(void) {
    char folder[USER_FOLDER];

    user_folder("XDG_STATE_HOME", ".local/state", folder);
    recall.file[0] = '\0';
    /* Where the folder cannot be made there is no history file: no reason to stop anyone. */
    if (folder[0] && file_make_directories(folder, NULL) == 0)
        snprintf(recall.file, sizeof recall.file, "%s/history", folder);
}

/* An entry's time is the line as it was entered: readline keeps it with the entry, whatever becomes of the line. */
static void keep_as_entered(HIST_ENTRY *entry) {
    free(entry->timestamp);
    entry->timestamp = strdup(entry->line);
}

void recall_open(void) {
    using_history();
    find_file();
    if (recall.file[0])
        read_history(recall.file);
    for (int k = history_length; k-- > 0;)
        if (strlen(entry_at(k)->line) > RECALL_LINE_MOST)
            free_history_entry(remove_history(k));
        else
            keep_as_entered(entry_at(k));
    using_history();
    recall.place = NOWHERE;
}

void recall_add(const char *line) {
    HIST_ENTRY *last = history_length ? entry_at(history_length - 1) : NULL;

    if (line[0] && !(last && strcmp(last->line, line) == 0)) {
        add_history(line);
        keep_as_entered(entry_at(history_length - 1));
    }
    using_history();
}

void recall_revert(void) {
    for (int k = 0; k < history_length; k++) {
        HIST_ENTRY *entry = entry_at(k);
        if (entry->timestamp && strcmp(entry->line, entry->timestamp))
            free_history_entry(replace_history_entry(k, entry->timestamp, NULL));
    }
    recall.place = NOWHERE;
}

void recall_close(void) {
    recall_revert();
    if (recall.file[0]) {
        stifle_history(LINES_KEPT);
        write_history(recall.file);
    }
    clear_history();
}

/* readline's own, which a program may replace: with room behind what was asked for.  As a search begins the line is
 * copied, and nobody else could make room there; and the rows that are drawn are compared with the prompt beyond their
 * end. */
__attribute__((visibility("default"))) void *xmalloc(size_t size);
__attribute__((visibility("default"))) void *xrealloc(void *memory, size_t size);

enum { ROWS_LEAST = 1024 }; /* bytes of the rows */

static size_t with_room(size_t size) {
    return size + (size >= ROWS_LEAST || RL_ISSTATE(RL_STATE_ISEARCH) ? RECALL_LINE_MOST : 2);
}

void *xmalloc(size_t size) {
    void *memory = calloc(1, with_room(size));

    if (!memory)
        abort();
    return memory;
}

void *xrealloc(void *memory, size_t size) {
    if (!(memory = realloc(memory, with_room(size))))
        abort();
    return memory;
}

extern HIST_ENTRY *_rl_saved_line_for_history; /* the one that was typed; not in readline's headers */

static void make_room(HIST_ENTRY *entry) {
    size_t size = entry ? strlen(entry->line) + 1 : 0;
    char *line = entry ? realloc(entry->line, size + RECALL_LINE_MOST) : NULL;

    if (line) {
        memset(line + size, 0, RECALL_LINE_MOST);
        entry->line = line;
    }
}

void recall_keep_sound(void) {
    int moved = where_history() != recall.place;

    if (!moved && !RL_ISSTATE(RL_STATE_ISEARCH | RL_STATE_NSEARCH))
        return;
    rl_undo_list = NULL;
    for (int k = 0; k < history_length; k++)
        entry_at(k)->data = NULL;
    if (moved) {
        make_room(entry_at(0));
        make_room(_rl_saved_line_for_history);
    }
    recall.place = where_history();
}
