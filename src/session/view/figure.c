#include "session/view/figure.h"

#include <cairo-svg.h>
#include <math.h>
#include <string.h>

#include "base/file.h"
#include "base/print.h"
#include "base/text.h"

enum { WIDTH = 720, HEIGHT = 480, LEFT = 80, RIGHT = 20, TOP = 36, BOTTOM = 56, MAX_TICKS = 12 };

/* Okabe and Ito's colours: told apart by everybody. */
static const double colours[][3] = {{0, 0.45, 0.70}, {0.84, 0.37, 0},    {0, 0.62, 0.45}, {0.80, 0.47, 0.65},
                                    {0.90, 0.62, 0}, {0.34, 0.71, 0.91}, {0, 0, 0}};

struct axis {
    double low, high;
    int logarithmic;
    double from, to; /* pixels */
    double ticks[MAX_TICKS];
    int nticks;
};

static double scaled(const struct axis *axis, double value) {
    return axis->logarithmic ? log10(value) : value;
}

static double place(const struct axis *axis, double value) {
    return axis->from + (scaled(axis, value) - axis->low) / (axis->high - axis->low) * (axis->to - axis->from);
}

static int is_drawn(const struct axis *axis, double value) {
    return isfinite(value) && (!axis->logarithmic || value > 0);
}

#ifdef __SANITIZE_ADDRESS__
/* fontconfig keeps what it has read of the system's fonts for good. */
const char *__lsan_default_suppressions(void);
__attribute__((visibility("default"))) const char *__lsan_default_suppressions(void) {
    return "leak:libfontconfig\n";
}
const char *__lsan_default_options(void);
__attribute__((weak, visibility("default"))) const char *__lsan_default_options(void) {
    return "print_suppressions=0";
}
#endif

/* ---------------------------------------------------------------- axes */

static void reach(struct axis *axis, const double *values, size_t count) {
    for (size_t k = 0; k < count; k++)
        if (is_drawn(axis, values[k])) {
            axis->low = fmin(axis->low, scaled(axis, values[k]));
            axis->high = fmax(axis->high, scaled(axis, values[k]));
        }
}

/* 1, 2 and 5 of each power of ten, or the powers alone where there are many. */
static void find_log_ticks(struct axis *axis) {
    static const double parts[] = {1, 2, 5};
    int few = axis->high - axis->low < 3, every = 1 + (int)((axis->high - axis->low) / (MAX_TICKS - 1));
    for (int power = (int)floor(axis->low); power <= axis->high; power++)
        for (int k = 0; k < (few ? 3 : 1) && axis->nticks < MAX_TICKS; k++) {
            double tick = parts[k] * pow(10, power), at = log10(tick);
            if (at >= axis->low && at <= axis->high && power % every == 0)
                axis->ticks[axis->nticks++] = tick;
        }
}

static void find_ticks(struct axis *axis) {
    if (axis->low > axis->high)
        axis->low = 0, axis->high = 1;
    double margin = 0.03 * (axis->high - axis->low);
    if (margin <= 0)
        margin = axis->high != 0 ? 0.05 * fabs(axis->high) : 0.5;
    axis->low -= margin;
    axis->high += margin;
    if (axis->logarithmic) {
        find_log_ticks(axis);
        return;
    }
    double raw = (axis->high - axis->low) / 6, power = pow(10, floor(log10(raw)));
    double step = power * (raw / power < 1.5 ? 1 : raw / power < 3.5 ? 2 : raw / power < 7.5 ? 5 : 10);
    for (double t = ceil(axis->low / step); t * step <= axis->high && axis->nticks < MAX_TICKS; t++)
        axis->ticks[axis->nticks++] = t * step;
}

static void text_at(cairo_t *cairo, const char *text, double x, double y, double align) {
    cairo_text_extents_t extents;
    cairo_text_extents(cairo, text, &extents);
    cairo_move_to(cairo, x - align * extents.x_advance, y);
    cairo_show_text(cairo, text);
}

static void draw_axes(cairo_t *cairo, const struct figure *figure, const struct axis *x, const struct axis *y) {
    char label[32];
    cairo_set_line_width(cairo, 1);
    for (int horizontal = 0; horizontal < 2; horizontal++) {
        const struct axis *axis = horizontal ? x : y;
        for (int k = 0; k < axis->nticks; k++) {
            double at = floor(place(axis, axis->ticks[k])) + 0.5, tick = axis->ticks[k];
            if (fabs(tick) < 1e-12 * (axis->high - axis->low) && !axis->logarithmic)
                tick = 0;
            cairo_set_source_rgb(cairo, 0.88, 0.88, 0.88);
            cairo_move_to(cairo, horizontal ? at : x->from, horizontal ? y->from : at);
            cairo_line_to(cairo, horizontal ? at : x->to, horizontal ? y->to : at);
            cairo_stroke(cairo);
            cairo_set_source_rgb(cairo, 0, 0, 0);
            print_to(label, sizeof label, "%.4g", tick);
            if (horizontal)
                text_at(cairo, label, at, y->from + 18, 0.5);
            else
                text_at(cairo, label, x->from - 8, at + 4, 1);
        }
    }
    cairo_rectangle(cairo, x->from + 0.5, y->to + 0.5, x->to - x->from, y->from - y->to);
    cairo_stroke(cairo);
    text_at(cairo, figure->title, 0.5 * (x->from + x->to), TOP - 14, 0.5);
    text_at(cairo, figure->x_label, 0.5 * (x->from + x->to), HEIGHT - 14, 0.5);
    cairo_save(cairo);
    cairo_translate(cairo, 18, 0.5 * (y->from + y->to));
    cairo_rotate(cairo, -M_PI / 2);
    text_at(cairo, figure->y_label, 0, 0, 0.5);
    cairo_restore(cairo);
}

/* ---------------------------------------------------------------- points */

static void draw_set(cairo_t *cairo, const struct figure *figure, const struct figure_set *set, const struct axis *x,
                     const struct axis *y) {
    int open = 0;
    for (size_t k = 0; k < set->count; k++) {
        if (!is_drawn(x, set->x[k]) || !is_drawn(y, set->y[k])) {
            open = 0;
            continue;
        }
        double px = place(x, set->x[k]), py = place(y, set->y[k]);
        if (figure->dots) {
            cairo_arc(cairo, px, py, 1.6, 0, 2 * M_PI);
            cairo_fill(cairo);
        } else if (open) {
            cairo_line_to(cairo, px, py);
        } else {
            cairo_move_to(cairo, px, py);
            cairo_line_to(cairo, px + 0.01, py); /* a lone point is seen */
        }
        open = 1;
    }
    cairo_stroke(cairo);
}

static void draw(cairo_t *cairo, const struct figure *figure) {
    struct axis x = {
        INFINITY, -INFINITY, figure->log_x, LEFT, figure->square ? LEFT + HEIGHT - TOP - BOTTOM : WIDTH - RIGHT,
        {0},      0};
    struct axis y = {INFINITY, -INFINITY, figure->log_y, HEIGHT - BOTTOM, TOP, {0}, 0};
    cairo_set_source_rgb(cairo, 1, 1, 1);
    cairo_paint(cairo);
    cairo_select_font_face(cairo, "sans-serif", CAIRO_FONT_SLANT_NORMAL, CAIRO_FONT_WEIGHT_NORMAL);
    cairo_set_font_size(cairo, 12);
    cairo_set_line_cap(cairo, CAIRO_LINE_CAP_ROUND);
    cairo_set_line_join(cairo, CAIRO_LINE_JOIN_ROUND);
    for (size_t s = 0; s < figure->count; s++) {
        reach(&x, figure->sets[s].x, figure->sets[s].count);
        reach(&y, figure->sets[s].y, figure->sets[s].count);
    }
    if (figure->square) {
        x.low = y.low = fmin(x.low, y.low);
        x.high = y.high = fmax(x.high, y.high);
    }
    find_ticks(&x);
    find_ticks(&y);
    draw_axes(cairo, figure, &x, &y);
    cairo_rectangle(cairo, x.from, y.to, x.to - x.from, y.from - y.to);
    cairo_clip(cairo);
    if (figure->square) {
        cairo_set_source_rgb(cairo, 0.5, 0.5, 0.5);
        cairo_move_to(cairo, x.from, y.from);
        cairo_line_to(cairo, x.to, y.to);
        cairo_stroke(cairo);
    }
    for (size_t s = 0; s < figure->count; s++) {
        const double *colour = colours[s % (sizeof colours / sizeof *colours)];
        cairo_set_source_rgba(cairo, colour[0], colour[1], colour[2], figure->dots ? 0.6 : 1);
        cairo_set_line_width(cairo, 1.5);
        draw_set(cairo, figure, &figure->sets[s], &x, &y);
    }
    cairo_reset_clip(cairo);
    for (size_t s = 0; s < figure->count && (figure->count > 1 || figure->square); s++) { /* else the title says it */
        const double *colour = colours[s % (sizeof colours / sizeof *colours)];
        double at = figure->square ? x.to + 16 : x.from + 12, line = TOP + 18 + 17 * (double)s;
        cairo_set_source_rgb(cairo, colour[0], colour[1], colour[2]);
        cairo_rectangle(cairo, at, line - 8, 14, 6);
        cairo_fill(cairo);
        cairo_set_source_rgb(cairo, 0, 0, 0);
        text_at(cairo, figure->sets[s].label, at + 20, line, 0);
    }
}

/* ---------------------------------------------------------------- files */

static cairo_status_t to_stream(void *context, const unsigned char *data, unsigned int length) {
    return fwrite(data, 1, length, context) == length ? CAIRO_STATUS_SUCCESS : CAIRO_STATUS_WRITE_ERROR;
}

int figure_write(const struct figure *figure, const char *path, struct error *error) {
    struct file_writer *writer;
    int svg = text_ends_with(path, ".svg");
    int code = file_writer_open(&writer, path, error);
    if (code)
        return code;
    FILE *stream = file_writer_stream(writer);
    cairo_surface_t *surface = svg ? cairo_svg_surface_create_for_stream(to_stream, stream, WIDTH, HEIGHT)
                                   : cairo_image_surface_create(CAIRO_FORMAT_RGB24, 2 * WIDTH, 2 * HEIGHT);
    cairo_t *cairo = cairo_create(surface);
    if (!svg)
        cairo_scale(cairo, 2, 2);
    draw(cairo, figure);
    cairo_status_t status = cairo_status(cairo);
    cairo_destroy(cairo);
    if (!svg && status == CAIRO_STATUS_SUCCESS)
        status = cairo_surface_write_to_png_stream(surface, to_stream, stream);
    cairo_surface_finish(surface);
    if (status == CAIRO_STATUS_SUCCESS)
        status = cairo_surface_status(surface);
    cairo_surface_destroy(surface);
    /* the writer knows why something could not be written */
    if (status == CAIRO_STATUS_SUCCESS || status == CAIRO_STATUS_SURFACE_FINISHED || ferror(stream))
        return file_writer_commit(writer, error);
    file_writer_abort(writer);
    return error_memory(error);
}
