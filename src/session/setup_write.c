#include "session/setup_write.h"

#include <inttypes.h>
#include <string.h>

#include "base/file.h"
#include "session/session_internal.h"

static void add_list(struct text *out, const char *key, int indent, size_t count,
                     const char *(*at)(const void *of, size_t k), const void *of) {
    text_format(out, "%*s%s: [", indent, "", key);
    for (size_t k = 0; k < count; k++) {
        text_add(out, k ? ", " : "");
        config_quote(at(of, k), out);
    }
    text_add(out, "]\n");
}

static const char *pane_at(const void *of, size_t k) {
    return ((const struct view_options *)of)->panes[k];
}

static const char *curve_at(const void *of, size_t k) {
    return ((const struct curve_view *)of)->names[k];
}

static const char *display_at(const void *of, size_t k) {
    return expression_text(((const struct stops *)of)->displays[k].expression);
}

static const char *command_at(const void *of, size_t k) {
    return ((const struct stop *)of)->commands[k];
}

static void add_text(struct text *out, const char *key, const char *value) {
    text_format(out, "%s: ", key);
    config_quote(value, out);
    text_add(out, "\n");
}

static void add_stop(struct text *out, const struct stop *stop) {
    text_add(out, "    - ");
    add_text(out, stop->kind == STOP_WATCH ? "watch" : stop->temporary ? "tbreak" : "break", stops_text(stop));
    if (stop->condition) {
        text_add(out, "      ");
        add_text(out, "condition", expression_text(stop->condition));
    }
    if (stop->ignore)
        text_format(out, "      ignore: %ld\n", stop->ignore);
    if (!stop->enabled)
        text_add(out, "      enabled: false\n");
    if (stop->ncommands)
        add_list(out, "commands", 6, stop->ncommands, command_at, stop);
}

static void add_section(const struct session *session, struct text *out) {
    const struct curve_view *curve = &session->view.curve;
    char number[32];
    text_add(out, "fettle:\n");
    add_list(out, "layout", 2, (size_t)session->view.npanes, pane_at, &session->view);
    if (session->view.focus[0]) {
        text_add(out, "  ");
        add_text(out, "focus", session->view.focus);
        text_add(out, session->view.zoomed ? "  zoom: true\n" : "");
    }
    text_add(out, "  chart:\n");
    add_list(out, "curves", 4, (size_t)curve->ncurves, curve_at, curve);
    text_format(out, "    log: %s\n    smooth: %s\n    last: %" PRId64 "\n", curve->logarithmic ? "true" : "false",
                text_double(number, curve->keep), curve->last);
    add_list(out, "display", 2, session->stops.ndisplays, display_at, &session->stops);
    text_format(out, "  stops:%s\n", session->stops.count ? "" : " []");
    for (size_t k = 0; k < session->stops.count; k++)
        add_stop(out, &session->stops.list[k]);
    text_format(out, "  catch: %s\n  rewind: %d\n", session->catches_off ? "false" : "true",
                session->rewinding.capacity);
    const struct config_node *devices = config_find(config_root(session->config), "fettle.devices");
    if (config_kind(devices) == CONFIG_STRING) {
        text_add(out, "  ");
        add_text(out, "devices", config_text(devices));
    }
    /* what is executed at the start is what was executed then */
    const struct config_node *commands = config_find(config_root(session->config), "fettle.commands");
    if (commands) {
        struct text list = {0};
        config_write_yaml(commands, &list);
        text_format(out, "  commands:\n");
        for (const char *line = list.data; line && *line;) {
            size_t size = strcspn(line, "\n");
            text_format(out, "    %.*s\n", (int)size, line);
            line += size + (line[size] == '\n');
        }
        text_free(&list);
    }
}

/* The config without what is written anew. */
static int without(struct config **out, const struct config_node *root, const char *path, const char *checkpoint,
                   struct error *error) {
    struct text text = {0}, entry = {0};
    config_write_yaml(root, &text);
    int code = text.failed ? error_memory(error) : config_parse(out, path, text.data, text.size, error);
    if (!code && config_get(config_root(*out), "fettle"))
        code = config_override(*out, "~fettle", error);
    if (!code && checkpoint && config_get(config_root(*out), "ckpt_path"))
        code = config_override(*out, "~ckpt_path", error);
    if (!code && checkpoint) {
        text_add(&entry, "+ckpt_path=");
        config_quote(checkpoint, &entry);
        code = entry.failed ? error_memory(error) : config_override(*out, entry.data, error);
    }
    text_free(&text);
    text_free(&entry);
    return code;
}

int setup_write(struct session *session, const char *path, const char *checkpoint, struct error *error) {
    /* from a checkpoint a run goes on that was begun with its own config; changes stand in the checkpoint */
    const struct config_node *root = checkpoint ? config_root(session->config) : trainer_config(session->trainer);
    struct config *config = NULL;
    struct file_writer *writer;
    struct text text = {0};
    int code = without(&config, root, path, checkpoint, error);
    if (!code) {
        config_write_yaml(config_root(config), &text);
        add_section(session, &text);
        code = text.failed ? error_memory(error) : 0;
    }
    if (!code && checkpoint)
        code = trainer_save_as(session->trainer, checkpoint, error);
    if (!code && !(code = file_writer_open(&writer, path, error))) {
        fputs(text.data, file_writer_stream(writer));
        code = file_writer_commit(writer, error);
    }
    config_free(config);
    text_free(&text);
    return code;
}
