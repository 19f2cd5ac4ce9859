/* Put behind what harness.py writes for one function: STATES, CALL, MARKS_CLEARED and MARKS_TOLD are replaced. */
static void cf_put(const char *text) { fputs(text, stdout); }

static void cf_case(int number)
{
    int each;
    size_t before;
    cf_count = 0, cf_told[0] = 0;
    MARKS_CLEARED
    cf_read();
    for (each = 0; each < STATES; each++) {
        cf_used = 0, cf_line[0] = 0, cf_state(each);
        snprintf(cf_old[each], sizeof cf_old[each], "%s", cf_line);
    }
    if (cf_many) printf("\x1d%d\x1b", number);
    before = __sanitizer_get_current_allocated_bytes();
    CALL
    before = __sanitizer_get_current_allocated_bytes() - before;
    fflush(stdout);
    cf_used = 0, cf_line[0] = 0;
    cf_value();
    snprintf(cf_told, sizeof cf_told, "%s", cf_line);
    cf_put("\x1e"), cf_put(cf_told), cf_put("\x1f");
    for (each = 0; each < STATES; each++) {
        cf_used = 0, cf_line[0] = 0, cf_state(each);
        if (strncmp(cf_line, cf_old[each], sizeof cf_old[each] - 1)) cf_put(cf_line), cf_put("; ");
    }
    if (before) printf("keeps %ld bytes; ", (long) before);
    MARKS_TOLD
    fflush(stdout);
}

static void cf_several(int count, char **words)
{
    struct itimerval most = { { 0, 0 }, { 0, 200000 } }, none = { { 0, 0 }, { 0, 0 } };
    int first = 0, timeouts = 0;
    cf_many = 1;
    cf_at = mmap(0, sizeof *cf_at, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    while (first < count && timeouts < 2) {
        int status = 0, number;
        pid_t child = fork();
        if (child < 0) return;
        if (!child) {
            for (number = 0, cf_word = words; number < count; number++) {
                int skipped = atoi(*cf_word++);
                if (number < first) { cf_word += skipped; continue; }
                *cf_at = number;
                setitimer(ITIMER_VIRTUAL, &most, 0);
                cf_case(number);
                setitimer(ITIMER_VIRTUAL, &none, 0);
            }
            *cf_at = count;
            _exit(0);
        }
        waitpid(child, &status, 0);
        if (*cf_at >= count) return;
        printf("\x1d%d!%d", *cf_at, WIFSIGNALED(status) ? 1000 + WTERMSIG(status) : WEXITSTATUS(status));
        fflush(stdout);
        timeouts += WIFSIGNALED(status) && WTERMSIG(status) == SIGVTALRM;
        first = *cf_at + 1;
    }
}

int main(int argc, char **argv)
{
    static char buffer[1 << 16];
    int count = argc > 1 ? atoi(argv[1]) : 0;
    setvbuf(stdout, buffer, _IOFBF, sizeof buffer);
    if (count == 1) {
        cf_word = argv + 3;
        cf_case(0);
    } else if (count > 1)
        cf_several(count, argv + 2);
    return count > 0 ? 0 : 2;
}
