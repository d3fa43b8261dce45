/* The page: whole, self-contained, escaped, the same bytes each time; and it renders. */
#include "report/synthetic.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static synthetic made;

static triad_text page(void)
{
    triad_text html = {0};
    triad_error err;
    assert_int_equal(report_html(&made.study, &html, &err), TRIAD_OK);
    return html;
}

static int setup(void **state)
{
    (void)state;
    synthetic_make(&made);
    return 0;
}

static size_t count_of(const char *text, const char *what)
{
    size_t count = 0;
    for (const char *at = text; (at = strstr(at, what)) != NULL; at += strlen(what)) count++;
    return count;
}

static void every_section_stands(void **state)
{
    (void)state;
    triad_text html = page();
    static const char *const ids[] = {"verdict", "evidence", "pairs",    "maps",    "precision",
                                      "layers",  "agents",   "protocol", "controls"};
    const char *last = html.bytes;
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
        char want[64];
        snprintf(want, sizeof want, "<section id=\"%s\">", ids[i]);
        const char *at = strstr(last, want);
        assert_non_null(at); /* in this order */
        last = at;
    }
    /* A forest and a forest of differences, two matrices, a tree, three maps, seven charts, the agents; numbers too. */
    assert_int_equal(count_of(html.bytes, "<svg class=\"fig"), 2 + 2 + 1 + 3 + 7 + 1);
    assert_int_equal(count_of(html.bytes, "<details>"), 2 + 1 + 7 + 1);
    assert_int_equal(count_of(html.bytes, "class=\"cell\""), 2 * 45);
    assert_non_null(strstr(html.bytes, "0.712 [0.700, 0.724]"));
    assert_non_null(strstr(html.bytes, "not reproduced"));
    triad_text_free(&html);
}

static void tags_are_balanced(void **state)
{
    (void)state;
    triad_text html = page();
    static const char *const tags[] = {"section", "figure",  "table", "thead", "tbody", "tr",   "svg",
                                       "g",       "details", "div",   "dl",    "main",  "text", "p"};
    for (size_t i = 0; i < sizeof tags / sizeof *tags; i++) {
        char open[16], open_with[16], close[16];
        snprintf(open, sizeof open, "<%s>", tags[i]);
        snprintf(open_with, sizeof open_with, "<%s ", tags[i]);
        snprintf(close, sizeof close, "</%s>", tags[i]);
        assert_int_equal(count_of(html.bytes, open) + count_of(html.bytes, open_with), count_of(html.bytes, close));
    }
    triad_text_free(&html);
}

static void maps_hold_every_sentence(void **state)
{
    (void)state;
    triad_text html = page();
    const char *maps = strstr(html.bytes, "<section id=\"maps\">"), *end = strstr(maps, "</section>");
    assert_non_null(end);
    char *part = strndup(maps, (size_t)(end - maps));
    assert_int_equal(count_of(part, "<circle class="), 3 * 2 * SYN_POINTS);
    assert_int_equal(count_of(part, "<circle class=\"a0 b0\""), 3 * 2 * 7); /* 0, 6, 12, …, 36 */
    assert_int_equal(count_of(part, "<li>"), SYN_POINTS);
    assert_non_null(strstr(part, "<li>sentence &amp; 7</li>"));
    assert_non_null(strstr(part, "instruction: 40 of the 595, drawn at random."));
    assert_non_null(strstr(part, "pick &lt;up&gt;"));
    assert_non_null(strstr(part, "(none)"));
    assert_non_null(strstr(part, "41 % + 20 % of the variance; trustworthiness 0.92"));
    assert_non_null(strstr(html.bytes, "#by-1:checked~.clouds .b2{fill:#d62728}"));
    assert_int_equal(count_of(html.bytes, "class=\"branch\""), SYN_SPACES - 1);
    assert_non_null(strstr(html.bytes, "10 spaces, joined at a mean precision of 0.150"));
    free(part);
    triad_text_free(&html);
    /* All of them, without columns: one colour. */
    made.study.maps.of = SYN_POINTS;
    made.study.maps.factors = 0;
    html = page();
    assert_non_null(strstr(html.bytes, "Every dot is an instruction. A map"));
    assert_null(strstr(html.bytes, "by-0"));
    triad_text_free(&html);
}

static void a_tree_or_a_class_that_does_not_fit_is_refused(void **state)
{
    (void)state;
    triad_text html = {0};
    triad_error err;
    made.merge[3].b = SYN_SPACES + 3;
    assert_int_equal(report_html(&made.study, &html, &err), TRIAD_ERR_ARGUMENT);
    assert_non_null(strstr(err.text, "the tree does not fit"));
    synthetic_make(&made);
    made.leaf[9] = SYN_SPACES;
    assert_int_equal(report_html(&made.study, &html, &err), TRIAD_ERR_ARGUMENT);
    synthetic_make(&made);
    made.class_of[1][5] = 3;
    assert_int_equal(report_html(&made.study, &html, &err), TRIAD_ERR_ARGUMENT);
    assert_string_equal(err.text, "report: sentence 6 of the maps has no class (make the results again)");
    triad_text_free(&html);
}

/* The most frequent words keep their own class; cells and names come back as they went in. */
static void words_become_classes(void **state)
{
    (void)state;
    static const char *const cell[] = {"b", "a", "c", "b", "", "c", "c", "d"};
    triad_arena arena = {0};
    report_factor factor;
    assert_int_equal(report_factor_make(&factor, "f", cell, 8, 0, &arena, NULL), TRIAD_OK);
    assert_int_equal(factor.classes, 5);
    for (size_t i = 0; i < 8; i++) assert_string_equal(factor.class_name[factor.class_of[i]], cell[i]);
    assert_int_equal(report_factor_make(&factor, "f", cell, 8, 3, &arena, NULL), TRIAD_OK);
    assert_int_equal(factor.classes, 3);
    static const char *const want[] = {"b", REPORT_OTHER, "c", "b", REPORT_OTHER, "c", "c", REPORT_OTHER};
    for (size_t i = 0; i < 8; i++) assert_string_equal(factor.class_name[factor.class_of[i]], want[i]);
    assert_int_equal(report_factor_make(&factor, "f", cell, 0, 3, &arena, NULL), TRIAD_OK);
    assert_int_equal(factor.classes, 0);
    triad_arena_free(&arena);
}

static void nothing_is_fetched(void **state)
{
    (void)state;
    triad_text html = page();
    static const char *const never[] = {"http:",   "https:", "//cdn",  "src=",   "url(",
                                        "@import", "<link",  "fetch(", "XMLHttp"};
    for (size_t i = 0; i < sizeof never / sizeof *never; i++) assert_null(strstr(html.bytes, never[i]));
    triad_text_free(&html);
}

static void text_is_never_markup(void **state)
{
    (void)state;
    made.space[6].source = "gguf:\"><script>alert(1)</script>";
    made.study.headline = "a < b & c";
    triad_text html = page();
    assert_null(strstr(html.bytes, "<script>alert"));
    assert_non_null(strstr(html.bytes, "&quot;&gt;&lt;script&gt;alert"));
    assert_non_null(strstr(html.bytes, "a &lt; b &amp; c"));
    triad_text_free(&html);
}

static void the_same_bytes(void **state)
{
    (void)state;
    triad_text one = page();
    synthetic *other = calloc(1, sizeof *other);
    synthetic_make(other);
    triad_text two = {0};
    triad_error err;
    assert_int_equal(report_html(&other->study, &two, &err), TRIAD_OK);
    assert_int_equal(one.size, two.size);
    assert_memory_equal(one.bytes, two.bytes, one.size);
    triad_text_free(&one);
    triad_text_free(&two);
    free(other);
}

static void undefined_is_a_dash(void **state)
{
    (void)state;
    triad_text html = page();
    assert_null(strstr(html.bytes, "nan"));
    assert_non_null(strstr(html.bytes, "not defined"));
    triad_text_free(&html);
}

static void an_empty_study_is_a_page(void **state)
{
    (void)state;
    const report_study study = {
        .name = "n", .title = "t", .created_by = "c", .band_low = 0.7, .band_high = 0.73, .k = 15};
    triad_text html = {0};
    triad_error err;
    assert_int_equal(report_html(&study, &html, &err), TRIAD_OK);
    assert_non_null(strstr(html.bytes, "</html>"));
    triad_text_free(&html);
}

static void a_pair_outside_the_table_is_refused(void **state)
{
    (void)state;
    triad_text html = {0};
    triad_error err;
    made.pair[3].y = SYN_SPACES;
    assert_int_equal(report_html(&made.study, &html, &err), TRIAD_ERR_ARGUMENT);
    assert_string_equal(err.text, "report: pair 4 names a space that is not in the table (make the results again)");
    triad_text_free(&html);
}

/* Where a browser is installed: the page comes out of it with its figures laid out, and its script runs without an
 * error. */
static void a_browser_draws_it(void **state)
{
    (void)state;
    if (system("command -v chromium >/dev/null 2>&1") != 0) skip();
    triad_text html = page();
    char folder[] = "/tmp/triad-report-XXXXXX";
    assert_non_null(mkdtemp(folder));
    char path[64], command[512];
    snprintf(path, sizeof path, "%s/page.html", folder);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    /* The test's own script stands behind the page's: it writes what it measured into the title. */
    const char *end = strstr(html.bytes, "</body>");
    assert_non_null(end);
    fwrite(html.bytes, 1, (size_t)(end - html.bytes), file);
    fputs(
        "<script>let bad='';onerror=m=>bad=m;const mark=document.querySelector('[data-tip]');"
        "mark.dispatchEvent(new PointerEvent('pointermove',{bubbles:true,clientX:50,clientY:50}));"
        "const shown=!document.getElementById('tip').hidden;"
        "const "
        "flat=[...document.querySelectorAll('svg.fig')].filter(s=>s.getBoundingClientRect().height<60||s."
        "getBoundingClientRect().width<200).length;"
        "const dots=[...document.querySelectorAll('.cloud .tsne circle')],tints=()=>new "
        "Set(dots.map(d=>getComputedStyle(d).fill)).size,verbs=tints();"
        "document.getElementById('by-1').click();const colours=tints();"
        "const seen=c=>getComputedStyle(document.querySelector('.cloud .'+c)).display!='none';const first=seen('tsne');"
        "document.getElementById('map-1').click();const second=seen('pca')&&!seen('tsne');"
        "dots[7].dispatchEvent(new PointerEvent('pointermove',{bubbles:true,clientX:50,clientY:50}));"
        "const said=document.getElementById('tip').textContent,lit=document.querySelectorAll('.on').length;"
        "const wide=document.documentElement.scrollWidth>innerWidth;"
        "document.title='tip '+shown+' flat '+flat+' wide '+wide+' error '+(bad||'none')+"
        "' maps '+[verbs,colours,first,second,said,lit]</script>",
        file);
    fputs(end, file);
    fclose(file);
    snprintf(command, sizeof command,
             "timeout 60 chromium --headless --no-sandbox --disable-gpu --window-size=390,800 --dump-dom 'file://%s' "
             "2>/dev/null | "
             "grep -q '<title>tip true flat 0 wide false error none maps 2,3,true,true,sentence &amp; 7,6</title>'",
             path);
    const int status = system(command);
    unlink(path);
    rmdir(folder);
    triad_text_free(&html);
    assert_int_equal(status, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(every_section_stands, setup),
        cmocka_unit_test_setup(tags_are_balanced, setup),
        cmocka_unit_test_setup(maps_hold_every_sentence, setup),
        cmocka_unit_test_setup(a_tree_or_a_class_that_does_not_fit_is_refused, setup),
        cmocka_unit_test(words_become_classes),
        cmocka_unit_test_setup(nothing_is_fetched, setup),
        cmocka_unit_test_setup(text_is_never_markup, setup),
        cmocka_unit_test_setup(the_same_bytes, setup),
        cmocka_unit_test_setup(undefined_is_a_dash, setup),
        cmocka_unit_test_setup(an_empty_study_is_a_page, setup),
        cmocka_unit_test_setup(a_pair_outside_the_table_is_refused, setup),
        cmocka_unit_test_setup(a_browser_draws_it, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
