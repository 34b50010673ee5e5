#include "session/view/info_program.h"

#include <string.h>

#include "graph/run/profile.h"
#include "graph/run/program_look.h"
#include "session/session_internal.h"
#include "train/run/inspect.h"

enum { RUNS = 10, ROWS = 12 };

static const char *module_name(const char *name) {
    return name && name[0] ? name : "(none)";
}

static void print_row(struct session *session, const struct profile_row *row, double total) {
    session_print(session, "%6.1f %% %9.4f ms %5d", total > 0 ? 100 * row->seconds / total : 0, 1e3 * row->seconds,
                  row->instructions);
    if (row->flops > 0 && row->seconds > 0)
        session_print(session, " %8.2f", 1e-9 * row->flops / row->seconds);
    else
        session_print(session, " %8s", "");
    session_print(session, "  %s\n", module_name(row->name));
}

static int print_profile(struct session *session, const struct program *program, enum profile_key key, int all,
                         struct error *error) {
    struct profile profile;
    struct profile_row rest = {.name = "all others"};
    int code = profile_make(&profile, program, key, error);
    if (code)
        return code;
    session_print(session, "\n   share         time  instr  GFLOP/s  %s\n", key == PROFILE_OP ? "op" : "module");
    for (size_t k = 0; k < profile.count; k++) {
        if (all || k < ROWS) {
            print_row(session, &profile.rows[k], profile.seconds);
        } else {
            rest.instructions += profile.rows[k].instructions;
            rest.seconds += profile.rows[k].seconds;
            rest.flops += profile.rows[k].flops;
        }
    }
    if (rest.instructions)
        print_row(session, &rest, profile.seconds);
    profile_free(&profile);
    return 0;
}

static double print_instructions(struct session *session, const struct program *program, int all) {
    struct instruction_info info;
    double total = 0;
    for (int k = 0; k < program_instructions(program); k++) {
        program_instruction(program, k, &info);
        total += info.seconds;
    }
    if (all)
        session_print(session, "\n   #    share  op                 shape                    module\n");
    for (int k = 0; all && k < program_instructions(program); k++) {
        program_instruction(program, k, &info);
        session_print(session, "%4d %6.2f %%  %-18s %-24s %s\n", k, total > 0 ? 100 * info.seconds / total : 0, info.op,
                      info.shape, module_name(info.module));
    }
    return total;
}

static void print_making(struct session *session, const struct program *program) {
    struct program_making made;
    program_making(program, &made);
    session_print(session,
                  "%d nodes were asked for: %d equal one made before, %d are read by nobody, %d are needed\n"
                  "the simplifier made %d of these: %d instructions, %d inputs, %d constants, %d views\n",
                  made.asked, made.repeated, made.dead, made.needed, made.kept, made.instructions, made.inputs,
                  made.constants, made.views);
}

void info_program_complete(struct session *session, const char *line, session_add *add, void *context) {
    (void)session, (void)line;
    add(context, "step");
    add(context, "eval");
    add(context, "all");
}

int info_program(struct session *session, int count, char *const *words, struct error *error) {
    int evaluation = 0, all = 0, code;

    for (int k = 0; k < count; k++)
        if (!strcmp(words[k], "all"))
            all = 1;
        else if (!strcmp(words[k], "eval") || !strcmp(words[k], "step"))
            evaluation = !strcmp(words[k], "eval");
        else
            return session_unknown(session, info_program_complete, "part of a program", words[k], error);
    if ((code = trainer_time_program(session->trainer, evaluation, RUNS, error)))
        return code;
    const struct program *program =
        evaluation ? trainer_eval_program(session->trainer) : trainer_program(session->trainer);
    session_print(session, "%s: %d instructions, %.1f MB of buffers, %d threads\n",
                  evaluation ? "an evaluation" : "loss and gradients", program_instructions(program),
                  1e-6 * (double)program_memory(program), team_size(trainer_team(session->trainer)));
    print_making(session, program);
    session_print(session, "one by one, the threads meeting after each, they take %.3f ms (mean of %d runs)\n",
                  1e3 * print_instructions(session, program, 0), RUNS);
    if ((code = print_profile(session, program, PROFILE_OP, all, error)) ||
        (code = print_profile(session, program, PROFILE_MODULE, all, error)))
        return code;
    print_instructions(session, program, all);
    if (!all)
        session_print(session, "\n`info program all` lists the instructions\n");
    return 0;
}
