#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "arguments.h"
#include "base/text.h"
#include "console.h"
#include "fettle/fettle.h"
#include "graph/kernel/kernels.h"
#include "pages.h"
#include "repl.h"
#include "signals.h"
#include "verb.h"

static const struct verb *const verbs[] = {&verb_run, &verb_eval, &verb_show, &verb_bench, &verb_new};
enum { VERBS = sizeof verbs / sizeof *verbs };

static const struct argument main_options[] = {
    {"batch", 'b', NULL, "execute commands, then end with the status of the first that fails"},
    {"execute", 'x', "CMD", "execute a command first; may be given again"},
    {"threads", 0, "N", "threads to compute with"},
    {"line", 'l', NULL, "a plain prompt in place of the panes"},
    {"trust", 0, NULL, "what session files execute may write wherever you may"},
    {"help", 'h', NULL, "show this"},
    {"version", 0, NULL, "show the version"},
};
enum { MAIN_BATCH, MAIN_EXECUTE, MAIN_THREADS, MAIN_LINE, MAIN_TRUST, MAIN_HELP, MAIN_VERSION, MAIN_OPTIONS };

static void print_options(const struct argument *options, size_t count) {
    for (size_t k = 0; k < count; k++) {
        char left[64], letter[8] = "    ";
        if (options[k].letter)
            snprintf(letter, sizeof letter, "-%c, ", options[k].letter);
        snprintf(left, sizeof left, "%s--%s%s%s", letter, options[k].name, options[k].value ? " " : "",
                 options[k].value ? options[k].value : "");
        printf("  %-26s %s\n", left, options[k].help);
    }
}

static void print_help(void) {
    printf("fettle: a workbench for training interatomic potentials\n\n"
           "usage: fettle [options] [SESSION.yaml] [overrides...]   a prompt; without a file, the built-in session\n"
           "       fettle -b [-x CMD]... [SCRIPT]                   commands from a script (- for standard input)\n"
           "       fettle VERB ...\n\nverbs (fettle VERB --help says more):\n");
    for (int k = 0; k < VERBS; k++)
        printf("  %-8s %s\n", verbs[k]->name, verbs[k]->summary);
    printf("\noptions:\n");
    print_options(main_options, MAIN_OPTIONS);
    printf("\nFETTLE_LOG_LEVEL=DEBUG prints the model before training; FETTLE_NUM_THREADS sets the threads;\n"
           "FETTLE_KERNELS=portable|avx2|avx512 takes other kernels than the widest the processor has.\n"
           "Exit status: 0 done, 1 failed, 2 a command line that cannot be understood, 130 interrupted.\n");
}

static void print_verb_help(const struct verb *verb) {
    printf("usage: fettle %s %s\n\n%s\n\noptions:\n", verb->name, verb->usage, verb->summary);
    print_options(verb->options, verb->noptions);
    printf("  %-26s %s\n", "-h, --help", "show this");
    if (verb->help)
        printf("\n%s\n", verb->help);
}

/* `fettle help`, of a verb, or what manual pages and completion are made of. */
static int run_help(const char *word, struct console *console) {
    const struct command_line_tables tables = {verbs, VERBS, main_options, MAIN_OPTIONS};

    if (!word) {
        print_help();
        return 0;
    }
    for (int k = 0; k < VERBS; k++)
        if (strcmp(word, verbs[k]->name) == 0) {
            print_verb_help(verbs[k]);
            return 0;
        }
    if (!pages_print(word, &tables))
        return 0;
    struct error error = {0};
    error_set(&error, ERROR_USAGE,
              "no help on \"%s\": a verb is expected, or completion (for bash), commands, options (as a manual page "
              "has them)",
              word);
    console_error(console, &error);
    return 2;
}

static int exit_status(int code) {
    if (signals_ending())
        return 128 + signals_ending();
    return code == 0 ? 0 : code == ERROR_USAGE ? 2 : code == ERROR_INTERRUPT ? 130 : 1;
}

static int wants_help(int argc, char **argv) {
    for (int k = 0; k < argc && strcmp(argv[k], "--") != 0; k++)
        if (strcmp(argv[k], "--help") == 0 || strcmp(argv[k], "-h") == 0)
            return 1;
    return 0;
}

static int run_verb(const struct verb *verb, int argc, char **argv, struct console *console) {
    struct arguments arguments = {0};
    struct error_list all = {0};
    struct error error = {.all = &all};
    int code;

    if (wants_help(argc, argv)) {
        print_verb_help(verb);
        return 0;
    }
    code = arguments_parse(&arguments, verb->options, verb->noptions, verb->low, verb->high, argc, argv, &error);
    if (code == ERROR_USAGE)
        error_prefix(&error, "%s: ", verb->name);
    if (!code)
        code = verb->run(&arguments, &error);
    if (error.code && error.code != ERROR_INTERRUPT)
        console_error(console, &error);
    if (error.code == ERROR_USAGE)
        console_say(console, "usage: fettle %s %s", verb->name, verb->usage);
    arguments_free(&arguments);
    return exit_status(code);
}

/* ---------------------------------------------------------------- the prompt */

static int is_file(const char *path) {
    struct stat info;

    return stat(path, &info) == 0;
}

static int unknown_verb(const char *word, struct console *console) {
    const char *names[VERBS];
    struct error error = {0};

    for (int k = 0; k < VERBS; k++)
        names[k] = verbs[k]->name;
    const char *nearest = text_nearest(word, names, VERBS);
    if (nearest)
        error_set(&error, ERROR_USAGE, "\"%s\" is neither a file nor a verb; did you mean \"%s\"?", word, nearest);
    else
        error_set(&error, ERROR_USAGE, "\"%s\" is neither a file nor a verb; --help lists the verbs", word);
    console_error(console, &error);
    return 2;
}

/* -x may be given more than once: its values, in order. */
static int collect_commands(int argc, char **argv, const char **commands) {
    int count = 0;

    for (int k = 0; k < argc && strcmp(argv[k], "--") != 0; k++) {
        const char *word = argv[k];
        if (strncmp(word, "--execute=", 10) == 0)
            commands[count++] = word + 10;
        else if (strncmp(word, "-x", 2) == 0 && word[2])
            commands[count++] = word + 2;
        else if ((strcmp(word, "-x") == 0 || strcmp(word, "--execute") == 0) && k + 1 < argc)
            commands[count++] = argv[++k];
        else if (strcmp(word, "--threads") == 0)
            k++;
    }
    return count;
}

static int run_prompt(int argc, char **argv, struct console *console) {
    struct arguments arguments = {0};
    struct error error = {0};
    struct repl_options options = {0};
    const char **commands = calloc((size_t)argc + 1, sizeof *commands);
    long threads = 0;
    int status = 2;

    if (!commands) {
        error_memory(&error);
        goto out;
    }
    if (arguments_parse(&arguments, main_options, MAIN_OPTIONS, 0, -1, argc, argv, &error) ||
        arguments_integer(&arguments, main_options, MAIN_THREADS, 1, 1024, &threads, &error))
        goto out;
    if (arguments.value[MAIN_HELP] || arguments.value[MAIN_VERSION]) {
        if (arguments.value[MAIN_HELP])
            print_help();
        else
            printf("fettle %s\n", fettle_version());
        status = 0;
        goto out;
    }
    options.batch = arguments.value[MAIN_BATCH] != NULL;
    options.commands = commands;
    options.ncommands = collect_commands(argc, argv, commands);
    options.threads = (int)threads;
    options.line = arguments.value[MAIN_LINE] != NULL;
    options.trust = arguments.value[MAIN_TRUST] != NULL;
    if (options.batch) {
        options.script = arguments.count ? arguments.rest[0] : NULL;
        if (arguments.count > 1)
            error_set(&error, ERROR_USAGE, "\"%s\" is one argument too many", arguments.rest[1]);
        else if (!options.script && !options.ncommands)
            error_set(&error, ERROR_USAGE, "-b needs a script or a command (-x)");
        if (error.code)
            goto out;
    } else if (arguments.count) {
        /* Overrides alone go to the built-in session. */
        const char *first = arguments.rest[0];
        int named = is_file(first) || (!strchr(first, '=') && first[0] != '~');
        options.session = named ? arguments.rest[0] : NULL;
        options.overrides = arguments.rest + named;
        options.noverrides = arguments.count - named;
        if (named && !is_file(options.session) && !strchr(options.session, '.') && !strchr(options.session, '/')) {
            status = unknown_verb(options.session, console);
            goto out;
        }
    }
    status = repl_run(&options, console);
out:
    if (error.code)
        console_error(console, &error);
    free(commands);
    arguments_free(&arguments);
    return status;
}

int main(int argc, char **argv) {
    struct console console;
    struct error error = {0};
    const struct verb *verb = NULL;
    int status;

    setlocale(LC_CTYPE, "");
    setenv("OPENBLAS_NUM_THREADS", "1", 1); /* the BLAS, when it is loaded, starts none that nobody would use */
    console_init(&console);
    console_take_log(&console);
    signals_install(1);
    const char *form = getenv("FETTLE_KERNELS");
    if (form && kernels_use(form, &error)) {
        error_prefix(&error, "FETTLE_KERNELS: ");
        console_error(&console, &error);
        return 1;
    }
    for (int k = 0; argc > 1 && k < VERBS; k++)
        if (strcmp(argv[1], verbs[k]->name) == 0)
            verb = verbs[k];
    if (verb)
        status = run_verb(verb, argc - 2, argv + 2, &console);
    else if ((argc == 2 || argc == 3) && strcmp(argv[1], "help") == 0)
        status = run_help(argv[2], &console);
    else
        status = run_prompt(argc - 1, argv + 1, &console);
    console_progress(&console, "");
    if (console_close_output(&console, &error) && status == 0) {
        if (error.code)
            console_error(&console, &error);
        status = 1;
    }
    return status;
}
