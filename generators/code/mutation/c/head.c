/* Put behind a function: what reads its inputs and writes down what came of them. See harness.py. */
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

extern size_t __sanitizer_get_current_allocated_bytes(void);

static char **cf_word;
static char cf_line[1 << 16], cf_old[24][1 << 13], cf_told[1 << 16];
static size_t cf_used, cf_asked;
static struct { char *start; size_t size, cell; const char *name; } cf_blocks[24];
static int cf_count, cf_many;
static volatile int *cf_at;

static void cf_say(const char *format, ...)
{
    va_list given;
    int made;
    va_start(given, format);
    made = vsnprintf(cf_line + cf_used, sizeof cf_line - cf_used, format, given);
    va_end(given);
    if (made > 0) cf_used += (size_t) made;
    if (cf_used >= sizeof cf_line) cf_used = sizeof cf_line - 1;
}
static long long cf_whole(void)
{
    char *word = *cf_word++;
    return *word == '-' ? strtoll(word, 0, 10) : (long long) strtoull(word, 0, 10);
}
static double cf_real(void) { return strtod(*cf_word++, 0); }
static void *cf_block(size_t size, size_t cell, const char *name)
{
    /* A block of nothing has a byte that may be read: its end has none. */
    char *made = size ? malloc(size) : (char *) malloc(8) + 8;
    memset(made, 0, size);
    cf_asked += size;
    if (cf_count < 24) {
        cf_blocks[cf_count].start = made, cf_blocks[cf_count].size = size;
        cf_blocks[cf_count].cell = cell, cf_blocks[cf_count++].name = name;
    }
    return made;
}
static void *cf_cells(size_t *count, size_t cell, const char *name)
{
    long long given = cf_whole();
    *count = given < 0 ? 0 : (size_t) given;
    return given < 0 ? 0 : cf_block(*count * cell, cell, name);
}
static char *cf_text(const char *name, size_t *room)
{
    char *word = *cf_word++, *made;
    size_t at;
    *room = 0;
    if (*word == '-') return 0;
    *room = strtoul(word, &word, 10);
    made = cf_block(*room, 1, name);
    for (at = 0, word++; word[0] && word[1]; at++, word += 2) {
        char pair[3] = { word[0], word[1], 0 };
        made[at] = (char) strtoul(pair, 0, 16);
    }
    return made;
}
static void cf_letters(const char *start, size_t most)
{
    size_t at;
    if (!start) { cf_say("NULL"); return; }
    cf_say("\"");
    for (at = 0; at < most && start[at] && cf_used < 6000; at++)
        cf_say(start[at] >= 32 && start[at] < 127 && start[at] != '"' && start[at] != '\\' ? "%c" : "\\x%02x",
               (unsigned char) start[at]);
    cf_say(at == most ? "\" without an end" : "\"");
}
static int cf_place(const char *address)
{
    int each;
    if (!address) { cf_say("NULL"); return 1; }
    for (each = 0; each < cf_count; each++) {
        ptrdiff_t away = address - cf_blocks[each].start;
        if (away >= 0 && (size_t) away <= cf_blocks[each].size) {
            cf_say(away ? "%s + %ld" : "%s", cf_blocks[each].name, (long) (away / (ptrdiff_t) cf_blocks[each].cell));
            return 1;
        }
    }
    return 0;
}
static void cf_real_said(double value) { if (value != value) cf_say("nan"); else cf_say("%.17g", value); }
