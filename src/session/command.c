#include "session/command.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/text.h"

enum { MAX_NAMES = 256 };

/* ---------------------------------------------------------------- splitting */

/* Reads one word from *from into *to and moves both on. */
static int read_word(const char **from, char **to, struct error *error) {
    const char *in = *from;
    char *out = *to;
    char quote = 0;

    for (; *in && (quote || !isspace((unsigned char)*in)); in++) {
        if (quote == '"' && *in == '\\' && in[1])
            *out++ = *++in;
        else if (*in == quote)
            quote = 0;
        else if (!quote && (*in == '"' || *in == '\''))
            quote = *in;
        else
            *out++ = *in;
    }
    *out++ = '\0';
    *from = in;
    *to = out;
    return quote ? error_set(error, ERROR_USAGE, "a quotation (%c) that does not end", quote) : 0;
}

int command_split(struct command_line *out, const char *line, struct error *error) {
    size_t length = strlen(line);
    char *raw, *word;
    const char *in;

    memset(out, 0, sizeof *out);
    /* The line as it stands, then room for its words: quotes only make them shorter. */
    out->memory = raw = malloc(2 * length + 2 + COMMAND_MAX_WORDS);
    if (!raw)
        return error_memory(error);
    while (length && isspace((unsigned char)line[length - 1]))
        length--;
    memcpy(raw, line, length);
    raw[length] = '\0';
    if (strpbrk(raw, "\n\r")) /* in a config; it would be read as more than one where lines are handed on */
        return error_set(error, ERROR_USAGE, "a command is one line");
    word = raw + length + 1;
    out->rest = raw + length;
    in = raw;
    for (;;) {
        while (isspace((unsigned char)*in))
            in++;
        if (out->count == 1)
            out->rest = in;
        if (!*in || *in == '#')
            break;
        if (out->count == COMMAND_MAX_WORDS)
            return error_set(error, ERROR_USAGE, "a command of more than %d words", COMMAND_MAX_WORDS);
        out->words[out->count++] = word;
        if (read_word(&in, &word, error))
            return ERROR_USAGE;
    }
    return 0;
}

void command_line_free(struct command_line *line) {
    free(line->memory);
    memset(line, 0, sizeof *line);
}

/* ---------------------------------------------------------------- looking up */

/* 2 where name is the command's name or an alias, 1 where it is a prefix of its name, else 0. */
static int match(const struct command *command, const char *name) {
    size_t length = strlen(name);

    if (strcmp(command->name, name) == 0)
        return 2;
    for (const char *alias = command->aliases; alias && *alias;) {
        size_t size = strcspn(alias, " ");
        if (size == length && strncmp(alias, name, size) == 0)
            return 2;
        alias += size + strspn(alias + size, " ");
    }
    return length > 0 && strncmp(command->name, name, length) == 0;
}

static int unknown(const char *name, struct error *error) {
    const char *names[MAX_NAMES];
    size_t count = 0;

    for (size_t g = 0; g < command_group_count; g++)
        for (size_t k = 0; k < command_groups[g]->count && count < MAX_NAMES; k++)
            names[count++] = command_groups[g]->commands[k].name;
    const char *nearest = text_nearest(name, names, count);
    if (nearest)
        return error_set(error, ERROR_NAME, "no command \"%s\"; did you mean \"%s\"?", name, nearest);
    return error_set(error, ERROR_NAME, "no command \"%s\"; `help` lists them", name);
}

void commands_complete(struct session *session, const char *line, session_add *add, void *context) {
    (void)session, (void)line;
    for (size_t g = 0; g < command_group_count; g++)
        for (size_t k = 0; k < command_groups[g]->count; k++)
            add(context, command_groups[g]->commands[k].name);
}

int command_find(const struct command **out, const char *name, struct error *error) {
    const struct command *found = NULL;
    struct text candidates = {0};
    int count = 0, code = 0;

    for (size_t g = 0; g < command_group_count; g++)
        for (size_t k = 0; k < command_groups[g]->count; k++) {
            const struct command *command = &command_groups[g]->commands[k];
            int how = match(command, name);
            if (how == 2) {
                *out = command;
                goto out;
            }
            if (how) {
                text_format(&candidates, "%s%s", count ? ", " : "", command->name);
                count++;
                found = command;
            }
        }
    *out = found;
    if (count == 0)
        code = unknown(name, error);
    else if (count > 1)
        code = error_set(error, ERROR_NAME, "\"%s\" may be %s", name, candidates.data ? candidates.data : "several");
out:
    text_free(&candidates);
    return code;
}

int command_check(const struct command *command, const struct command_line *line, struct error *error) {
    int words = line->count - 1;

    if (command->flags & COMMAND_TAIL)
        words = line->rest[0] && line->rest[0] != '#' ? 1 : 0;
    if (words < command->min || (command->max >= 0 && words > command->max))
        return error_set(error, ERROR_USAGE, "usage: %s", command->usage);
    for (int k = 1; (command->flags & COMMAND_FILES) && k < line->count; k++)
        if (!line->words[k][0])
            return error_set(error, ERROR_USAGE, "an empty name");
    return 0;
}

int command_read(struct command_line *out, const struct command **command, const char *line, struct error *error) {
    int code = command_split(out, line, error);

    *command = NULL;
    if (code || out->count == 0)
        return code;
    code = command_find(command, out->words[0], error);
    return code ? code : command_check(*command, out, error);
}

int command_forced(struct command_line *line) {
    int forced = line->count > 1 && !strcmp(line->words[line->count - 1], "force");

    line->count -= forced;
    return forced;
}

int command_integer(const char *word, const char *what, long low, long high, long *out, struct error *error) {
    char *end = NULL;
    long value;

    errno = 0;
    value = strtol(word, &end, 10);
    if (errno || end == word || *end || value < low || value > high)
        return error_set(error, ERROR_USAGE, "%s is a whole number from %ld to %ld, not \"%s\"", what, low, high, word);
    *out = value;
    return 0;
}

/* ---------------------------------------------------------------- the groups */

const struct command *command_pane(const char *name) {
    for (size_t g = 0; g < command_group_count; g++)
        for (size_t k = 0; k < command_groups[g]->npanes; k++)
            if (!strcmp(command_groups[g]->panes[k].name, name))
                return &command_groups[g]->panes[k];
    return NULL;
}

int commands_take_line(struct session *session, const char *line, int *code, struct error *error) {
    for (size_t g = 0; g < command_group_count; g++)
        if (command_groups[g]->on_line && command_groups[g]->on_line(session, line, code, error))
            return 1;
    return 0;
}

void commands_forget(struct session *session) {
    for (size_t g = 0; g < command_group_count; g++)
        if (command_groups[g]->on_forget)
            command_groups[g]->on_forget(session);
}

void commands_rewind(struct session *session) {
    for (size_t g = 0; g < command_group_count; g++)
        if (command_groups[g]->on_rewind)
            command_groups[g]->on_rewind(session);
}
