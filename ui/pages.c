#include "pages.h"

#include <stdio.h>
#include <string.h>
#include "arguments.h"
#include "fettle/fettle.h"
#include "keys.h"
#include "session/command.h"
#include "verb.h"

/* ---------------------------------------------------------------- manual pages */

/* A text as roff has it: `this` in bold, nothing that would be taken for a request. */
static void put(const char *text, size_t length) {
    int bold = 0;
    if (length && (*text == '.' || *text == '\''))
        fputs("\\&", stdout);
    for (size_t k = 0; k < length; k++)
        switch (text[k]) {
        case '`':
            fputs((bold = !bold) ? "\\fB" : "\\fR", stdout);
            break;
        case '\\':
            fputs("\\e", stdout);
            break;
        case '-':
            fputs("\\-", stdout);
            break;
        case '\'':
            fputs("\\(aq", stdout);
            break;
        case '^':
            fputs("\\(ha", stdout);
            break;
        case '~':
            fputs("\\(ti", stdout);
            break;
        default:
            putchar(text[k]);
        }
    if (bold)
        fputs("\\fR", stdout);
}

static void put_line(const char *text) {
    put(text, strlen(text));
    putchar('\n');
}

/* "step [N]": the name in bold. */
static void put_usage(const char *usage) {
    size_t length = strcspn(usage, " ");
    fputs("\\fB", stdout);
    put(usage, length);
    fputs("\\fR", stdout);
    put_line(usage + length);
}

/* Lines of prose are filled; one that is an example, or stands in columns, is a line of its own. */
static void put_help(const char *help, const char *name) {
    int apart = 0;
    while (*help) {
        size_t length = strcspn(help, "\n"), indent = strspn(help, " ");
        const char *line = help + (indent < length ? indent : length);
        size_t rest = length - (size_t)(line - help), n = name ? strlen(name) : 0;
        int alone = (n && !strncmp(line, name, n) && line[n] == ' ');
        for (size_t k = 0; k + 2 < rest; k++)
            alone |= !strncmp(line + k, "   ", 3);
        if (alone || apart)
            puts(".br");
        put(line, rest);
        putchar('\n');
        apart = alone;
        help += length + (help[length] == '\n');
    }
}

static void put_command(const struct command *command) {
    puts(".TP");
    put_usage(command->usage);
    put_line(command->summary);
    if (command->help) {
        puts(".br");
        put_help(command->help, command->name);
    }
    if (command->aliases || command->flags & (COMMAND_REPEAT | COMMAND_LIVE | COMMAND_LOOK))
        puts(".br");
    if (command->aliases) {
        fputs("Also: ", stdout);
        put(command->aliases, strlen(command->aliases));
        puts(".");
    }
    if (command->flags & COMMAND_REPEAT)
        puts("Enter repeats it.");
    if (command->flags & COMMAND_LOOK)
        puts("May be a pane.");
    else if (command->flags & COMMAND_LIVE)
        puts("May be given while a run goes on.");
}

static void print_commands(void) {
    printf(".TH FETTLE\\-COMMANDS 7 \"\" \"fettle %s\" \"fettle\"\n", fettle_version());
    puts(".nh\n.ad l\n.SH NAME\nfettle\\-commands \\- the commands of fettle's prompt, and the keys of its panes\n"
         ".SH DESCRIPTION\n"
         "Commands are given at the prompt of\n.BR fettle (1),\nby\n.B \\-x\nor in a script, one a line.\n"
         "Any unique beginning of a name does.\n"
         "Quotes hold a word together, # begins a comment.\n"
         "At the prompt\n.B help\nlists the commands, and\n.BI help\\  NAME\nexplains one.\n"
         "What only looks, and what may be given while a run goes on, takes effect between two batches.");
    for (size_t g = 0; g < command_group_count; g++) {
        fputs(".SH \"", stdout);
        for (const char *c = command_groups[g]->name; *c; c++)
            putchar(*c >= 'a' && *c <= 'z' ? *c - 'a' + 'A' : *c);
        puts("\"");
        for (size_t k = 0; k < command_groups[g]->count; k++)
            put_command(&command_groups[g]->commands[k]);
    }
    puts(".SH \"KEYS OF THE PANES\"\nEsc leads from the prompt to the panes, where single keys do this.");
    const struct key *key;
    for (size_t k = 0; (key = keys_at(k)); k++) {
        if (!key->help)
            continue;
        puts(".TP");
        fputs("\\fB", stdout);
        put(key->name, strlen(key->name));
        puts("\\fR");
        put_line(key->help);
    }
    puts(".SH \"SEE ALSO\"\n.BR fettle (1)");
}

static void put_options(const struct argument *options, size_t count) {
    for (size_t k = 0; k < count; k++) {
        puts(".TP");
        if (options[k].letter)
            printf("\\fB\\-%c\\fR, ", options[k].letter);
        fputs("\\fB\\-\\-", stdout);
        put(options[k].name, strlen(options[k].name));
        printf("\\fR%s%s%s\n", options[k].value ? " \\fI" : "", options[k].value ? options[k].value : "",
               options[k].value ? "\\fR" : "");
        put_line(options[k].help);
    }
}

static void print_options(const struct command_line_tables *tables) {
    puts(".SH OPTIONS");
    put_options(tables->options, tables->noptions);
    puts(".SH VERBS\nEach takes\n.BR \\-h ,\n.BR \\-\\-help .");
    for (int k = 0; k < tables->nverbs; k++) {
        const struct verb *verb = tables->verbs[k];
        printf(".SS \"fettle %s\"\n", verb->name);
        put_line(verb->summary);
        printf(".PP\n\\fBfettle %s\\fR ", verb->name);
        put_line(verb->usage);
        put_options(verb->options, verb->noptions);
        if (verb->help) {
            puts(".PP");
            put_help(verb->help, NULL);
        }
    }
}

/* ---------------------------------------------------------------- completion in bash */

static void put_words(const struct argument *options, size_t count) {
    for (size_t k = 0; k < count; k++) {
        printf("--%s ", options[k].name);
        if (options[k].letter)
            printf("-%c ", options[k].letter);
    }
}

/* What may follow an option that takes a value; a file, where nothing else is known. */
static void put_values(const char *verb, const struct argument *options, size_t count) {
    for (size_t k = 0; k < count; k++) {
        if (!options[k].value)
            continue;
        const char *value = options[k].value;
        const char *what = !strcmp(value, "N") || !strcmp(value, "MB") ? "nothing"
                           : !strcmp(value, "DIR")                     ? "folders"
                           : !strcmp(value, "CMD")                     ? "commands"
                                                                       : "files";
        printf("    %s:--%s", verb, options[k].name);
        if (options[k].letter)
            printf(" | %s:-%c", verb, options[k].letter);
        printf(") kind=%s ;;\n", what);
    }
}

static void print_completion(const struct command_line_tables *tables) {
    puts("# Completion of fettle's command line in bash; `fettle help completion` writes it.\n_fettle() {\n"
         "    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} verb=none kind=files options\n"
         "    if [ \"$word\" = = ]; then # --name=VALUE is three words\n"
         "        word=\n"
         "    elif [ \"$before\" = = ] && [ \"$COMP_CWORD\" -gt 2 ]; then\n"
         "        before=${COMP_WORDS[COMP_CWORD - 2]}\n    fi");
    fputs("    local verbs=\"", stdout);
    for (int k = 0; k < tables->nverbs; k++)
        printf("%s ", tables->verbs[k]->name);
    fputs("help\" commands=\"", stdout);
    for (size_t g = 0; g < command_group_count; g++)
        for (size_t k = 0; k < command_groups[g]->count; k++)
            printf("%s%s", g || k ? " " : "", command_groups[g]->commands[k].name);
    puts("\"\n    [ \"$COMP_CWORD\" = 1 ] || case \" $verbs \" in *\" ${COMP_WORDS[1]} \"*) verb=${COMP_WORDS[1]} ;; "
         "esac\n"
         "    case $verb in");
    for (int k = 0; k < tables->nverbs; k++) {
        printf("    %s) options=\"", tables->verbs[k]->name);
        put_words(tables->verbs[k]->options, tables->verbs[k]->noptions);
        puts("--help -h\" ;;");
    }
    puts("    help) options= kind=verbs ;;");
    fputs("    *) options=\"", stdout);
    put_words(tables->options, tables->noptions);
    puts("\" ;;\n    esac\n    case $verb:$before in");
    put_values("none", tables->options, tables->noptions);
    for (int k = 0; k < tables->nverbs; k++)
        put_values(tables->verbs[k]->name, tables->verbs[k]->options, tables->verbs[k]->noptions);
    puts("    *) [[ $word != -* ]] || kind=options ;;\n    esac\n"
         "    COMPREPLY=()\n    case $kind in\n"
         "    nothing) ;;\n"
         "    options) mapfile -t COMPREPLY < <(compgen -W \"$options\" -- \"$word\") ;;\n"
         "    commands) mapfile -t COMPREPLY < <(compgen -W \"$commands\" -- \"$word\") ;;\n"
         "    verbs) mapfile -t COMPREPLY < <(compgen -W \"$verbs completion\" -- \"$word\") ;;\n"
         "    folders) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -d -- \"$word\") ;;\n"
         "    files)\n"
         "        compopt -o filenames 2>/dev/null\n"
         "        mapfile -t COMPREPLY < <(\n"
         "            [ \"$COMP_CWORD\" != 1 ] || compgen -W \"$verbs\" -- \"$word\"\n"
         "            compgen -f -- \"$word\") ;;\n"
         "    esac\n}\ncomplete -F _fettle fettle");
}

int pages_print(const char *name, const struct command_line_tables *tables) {
    if (!strcmp(name, "commands"))
        print_commands();
    else if (!strcmp(name, "options"))
        print_options(tables);
    else if (!strcmp(name, "completion"))
        print_completion(tables);
    else
        return -1;
    return 0;
}
