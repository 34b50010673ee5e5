/* `info program`: the instructions of a training step. */
#include "graph/program.h"
#include "session/info.h"

int info_program(struct session *session, int count, char *const *words, struct error *error) {
    const struct program *program = trainer_program(session->trainer);
    (void)count, (void)words;

    if (!program)
        return error_set(error, ERROR_STATE, "the program of a step is built with the first batch");
    for (int k = 0; k < program_instructions(program); k++) {
        struct instruction_info info;
        program_instruction(program, k, &info);
        session_print(session, "%4d  %-20s %-24s %s\n", k, info.op, info.shape, info.module ? info.module : "");
    }
    session_print(session, "%d instructions, %.1f MB of buffers\n", program_instructions(program),
                  1e-6 * (double)program_memory(program));
    return 0;
}
