/* The smallest client: the energy of a molecule. */
#include <fettle/fettle.h>
#include <stdio.h>

int main(int argc, char **argv) {
    static const double positions[] = {0, 0, 0.1, 0, 0.76, -0.48, 0, -0.76, -0.48};
    static const int numbers[] = {8, 1, 1};
    struct fettle_frame frame = {.atoms = 3, .positions = positions, .numbers = numbers};
    struct fettle_result result = {0};
    struct fettle_model *model = NULL;
    struct fettle_error error;

    if (argc != 2 || fettle_open(&model, argv[1], NULL, &error) || fettle_evaluate(model, &frame, 1, &result, &error)) {
        fprintf(stderr, "%s\n", argc == 2 ? error.message : "usage: client MODEL");
        return 1;
    }
    printf("%.10f\n", result.energy);
    fettle_free(model);
    return 0;
}
