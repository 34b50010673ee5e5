#include <criterion/criterion.h>
#include <string.h>
#include "session/command.h"

Test(command, words) {
    struct command_line line;
    struct error error = {0};

    cr_assert_eq(command_split(&line, "  set  lr \"a b\\\"c\" 'd e'x # comment", &error), 0);
    cr_assert_eq(line.count, 4);
    cr_assert_str_eq(line.words[0], "set");
    cr_assert_str_eq(line.words[2], "a b\"c");
    cr_assert_str_eq(line.words[3], "d ex");
    cr_assert_eq(strncmp(line.rest, "lr \"a b", 7), 0);
    command_line_free(&line);
}

Test(command, nothing) {
    static const char *const lines[] = {"", "   ", "# only a comment", "\t\n"};
    struct command_line line;

    for (int k = 0; k < 4; k++) {
        cr_assert_eq(command_split(&line, lines[k], NULL), 0);
        cr_assert_eq(line.count, 0);
        command_line_free(&line);
    }
}

Test(command, unfinished_quotation) {
    struct command_line line;
    struct error error = {0};

    cr_assert_eq(command_split(&line, "open 'some file", &error), ERROR_USAGE);
    cr_assert(strstr(error.message, "quotation"));
    command_line_free(&line);
}

Test(command, too_many_words) {
    struct command_line line;
    struct error error = {0};
    char text[4 * COMMAND_MAX_WORDS];

    memset(text, 0, sizeof text);
    for (int k = 0; k <= COMMAND_MAX_WORDS; k++)
        strcat(text, "w ");
    cr_assert_eq(command_split(&line, text, &error), ERROR_USAGE);
    command_line_free(&line);
}

Test(command, unique_prefixes) {
    const struct command *command = NULL;
    struct error error = {0};

    cr_assert_eq(command_find(&command, "conti", &error), 0);
    cr_assert_str_eq(command->name, "continue");
    cr_assert_eq(command_find(&command, "s", &error), 0, "an alias goes before prefixes");
    cr_assert_str_eq(command->name, "step");
}

Test(command, ambiguous_prefix) {
    const struct command *command = NULL;
    struct error error = {0};

    cr_assert_eq(command_find(&command, "sa", &error), 0);
    cr_assert_eq(command_find(&command, "se", &error), 0);
    cr_assert_eq(command_find(&command, "so", &error), 0);
    cr_assert_neq(command_find(&command, "", &error), 0);
}

Test(command, nearest_name) {
    const struct command *command = NULL;
    struct error error = {0};

    cr_assert_eq(command_find(&command, "contnue", &error), ERROR_NAME);
    cr_assert(strstr(error.message, "\"continue\""));
}

Test(command, every_entry_is_complete) {
    for (size_t g = 0; g < command_group_count; g++)
        for (size_t k = 0; k < command_groups[g]->count; k++) {
            const struct command *command = &command_groups[g]->commands[k], *found = NULL;
            size_t length = strlen(command->name);
            cr_assert(command->exec && command->summary && command->usage);
            cr_assert_eq(strncmp(command->usage, command->name, length), 0, "usage of %s", command->name);
            cr_assert(command->min >= 0 && (command->max < 0 || command->max >= command->min));
            cr_assert_eq(command_find(&found, command->name, NULL), 0);
            cr_assert_eq(found, command, "%s is hidden by another entry", command->name);
        }
}

Test(command, argument_ranges) {
    const struct command *command = NULL;
    struct command_line line;
    struct error error = {0};
    long value = 7;

    cr_assert_eq(command_find(&command, "step", &error), 0);
    cr_assert_eq(command_split(&line, "step 1 2", &error), 0);
    cr_assert_eq(command_check(command, &line, &error), ERROR_USAGE);
    cr_assert(strstr(error.message, "usage: step"));
    command_line_free(&line);
    cr_assert_eq(command_integer("12", "N", 1, 20, &value, NULL), 0);
    cr_assert_eq(value, 12);
    cr_assert_eq(command_integer("21", "N", 1, 20, &value, NULL), ERROR_USAGE);
    cr_assert_eq(command_integer("1x", "N", 1, 20, &value, NULL), ERROR_USAGE);
    cr_assert_eq(command_integer("99999999999999999999", "N", 1, 20, &value, NULL), ERROR_USAGE);
}
