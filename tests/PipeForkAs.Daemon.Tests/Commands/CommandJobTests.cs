using System.Text;
using System.Text.Json;
using FsCheck;
using FsCheck.Fluent;
using Microsoft.Extensions.Logging.Abstractions;
using PipeForkAs.Daemon.Callers;
using PipeForkAs.Daemon.Commands;
using PipeForkAs.Daemon.Configuration;
using PipeForkAs.Daemon.Patterns;
using PipeForkAs.Daemon.Tests.Fakes;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Daemon.Tests.Commands;

public sealed class CommandJobTests
{
    [Fact]
    public void A_parameter_is_replaced_and_nothing_else_changes()
    {
        CommandJob job = Make(
            ["/usr/bin/{path}", "-s", "{path}", "--from={path}", "x{path}", "{}", "{pa th}", "--to={other}", "$(path)", "{path}"],
            ("path", new()));
        Assert.Equal(
            [
                "/usr/bin/{path}", "-s", "/tmp/a b; rm -rf *", "--from=/tmp/a b; rm -rf *", "x/tmp/a b; rm -rf *",
                "{}", "{pa th}", "--to={other}", "$(path)", "/tmp/a b; rm -rf *",
            ],
            Line(job, """{"path":"/tmp/a b; rm -rf *"}"""));
    }

    [Fact]
    public void A_parameter_may_follow_a_fixed_beginning_of_a_word()
    {
        CommandJob job = Make(
            ["/usr/bin/du", "--max-depth={n}", "if={file}.txt", "--range={n}-{to}"],
            ("n", new() { Type = "integer" }), ("file", new() { Default = "none" }), ("to", new()));
        Assert.Equal(["/usr/bin/du", "--max-depth=-1", "if=none.txt", "--range=-1-{n}"], Line(job, """{"n":-1,"to":"{n}"}"""));
        Assert.Equal(["/usr/bin/du", "--max-depth=2", "if=--rm.txt", "--range=2-"], Line(job, """{"n":2,"to":"","file":"--rm"}"""));
        Assert.Contains("\"to\": is missing", Refused(job, """{"n":1}"""));
    }

    [Fact]
    public void A_value_inside_a_word_is_checked_like_any_other()
    {
        CommandJob job = Make(["/bin/echo", "--name={name}"], ("name", new() { Pattern = "[a-z]*" }));
        Assert.Contains("does not match the pattern", Refused(job, """{"name":"A"}"""));
        Assert.Contains("no NUL", Refused(job, """{"name":"a\u0000b"}"""));
    }

    [Fact]
    public void A_value_that_looks_like_a_placeholder_is_not_replaced_again()
    {
        CommandJob job = Make(["/bin/echo", "{a}", "{b}"], ("a", new()), ("b", new()));
        Assert.Equal(["/bin/echo", "{b}", "{a}"], Line(job, """{"a":"{b}","b":"{a}"}"""));
    }

    [Fact]
    public void No_value_is_split_or_omitted()
    {
        CommandJob job = Make(["/bin/echo", "{a}", "end"], ("a", new()));
        Assert.Equal(["/bin/echo", "", "end"], Line(job, """{"a":""}"""));
        Assert.Equal(
            ["/bin/echo", "one\ntwo\t three \"four\" 'five' `six` *", "end"],
            Line(job, """{"a":"one\ntwo\t three \"four\" 'five' `six` *"}"""));
    }

    [Theory]
    [InlineData("string", "\"x\"", "x")]
    [InlineData("string", "5", null)]
    [InlineData("string", "true", null)]
    [InlineData("string", "null", null)]
    [InlineData("string", "[\"x\"]", null)]
    [InlineData("string", "{\"x\":1}", null)]
    [InlineData("string", "\"a\\u0000b\"", null)]
    [InlineData("integer", "5", "5")]
    [InlineData("integer", "9223372036854775807", "9223372036854775807")]
    [InlineData("integer", "9223372036854775808", null)]
    [InlineData("integer", "1.5", null)]
    [InlineData("integer", "1e3", null)]
    [InlineData("integer", "\"5\"", null)]
    [InlineData("integer", "null", null)]
    [InlineData("number", "1.5", "1.5")]
    [InlineData("number", "1e3", "1e3")]
    [InlineData("number", "\"1\"", null)]
    [InlineData("number", "true", null)]
    [InlineData("boolean", "true", "true")]
    [InlineData("boolean", "false", "false")]
    [InlineData("boolean", "\"true\"", null)]
    [InlineData("boolean", "1", null)]
    [InlineData("boolean", "null", null)]
    public void A_value_of_the_wrong_type_is_refused(string type, string value, string? expected)
    {
        CommandJob job = Make(["/bin/echo", "{p}"], ("p", new() { Type = type }));
        string arguments = $$"""{"p":{{value}}}""";
        if (expected is null)
            Assert.Contains("\"p\"", Refused(job, arguments), StringComparison.Ordinal);
        else
            Assert.Equal(["/bin/echo", expected], Line(job, arguments));
    }

    [Theory]
    [InlineData(null, "\"path\": is missing; job needs it")]
    [InlineData("{}", "\"path\": is missing; job needs it")]
    [InlineData("""{"Path":"x"}""", "\"Path\": there is no argument of that name; job takes path, count")]
    [InlineData("""{"path":"x","more":1}""", "\"more\": there is no argument of that name; job takes path, count")]
    [InlineData("""{"path":"x","\n\u001b":1}""", "\"args\": there is no argument of that name; job takes path, count")]
    [InlineData("""{"path":"x","path":"y"}""", "\"path\": is given twice")]
    [InlineData("""{"path":"x","p\u0061th":"y"}""", "\"path\": is given twice")]
    [InlineData("""{"path":5}""", "\"path\": must be of type string")]
    [InlineData("""{"path":"x","count":"5"}""", "\"count\": must be of type integer")]
    [InlineData("""{"path":"UP"}""", "\"path\": does not match the pattern [a-z]+")]
    [InlineData("""{"path":"up\n"}""", "\"path\": does not match the pattern [a-z]+")]
    [InlineData("""{"path":"-x"}""", "\"path\": must not begin with '-': the program would read it as an option")]
    public void A_refusal_names_the_argument_and_the_reason(string? arguments, string expected)
    {
        CommandJob job = Make(
            ["/bin/echo", "{path}", "{count}"], ("path", new() { Pattern = "[a-z]+" }),
            ("count", new() { Type = "integer", Default = "1" }));
        Assert.Equal(expected, Refused(job, arguments));
    }

    [Fact]
    public void A_command_without_parameters_takes_no_arguments()
    {
        CommandJob job = Make(["/bin/true"]);
        Assert.Equal(["/bin/true"], Line(job, null));
        Assert.Equal(["/bin/true"], Line(job, "{}"));
        Assert.Equal("\"x\": there is no argument of that name; job takes no arguments", Refused(job, """{"x":1}"""));
    }

    [Theory]
    [InlineData("string", "\"-rf\"")]
    [InlineData("string", "\"-\"")]
    [InlineData("string", "\"--\"")]
    [InlineData("integer", "-9")]
    [InlineData("number", "-0.5")]
    public void A_value_that_looks_like_an_option_is_refused_unless_allowed_or_after_a_double_dash(
        string type, string value)
    {
        string arguments = $$"""{"p":{{value}}}""", word = value.Trim('"');
        Assert.Contains(
            "must not begin with '-'", Refused(Make(["/bin/x", "{p}"], ("p", new() { Type = type })), arguments), StringComparison.Ordinal);
        Assert.Contains(
            "must not begin with '-'", Refused(Make(["/bin/x", "{p}", "--"], ("p", new() { Type = type })), arguments),
            StringComparison.Ordinal);
        Assert.Equal(["/bin/x", "--", word], Line(Make(["/bin/x", "--", "{p}"], ("p", new() { Type = type })), arguments));
        Assert.Equal(["/bin/x", word], Line(Make(["/bin/x", "{p}"], ("p", new() { Type = type, AllowLeadingDash = true })), arguments));
    }

    [Fact]
    public void A_double_dash_as_a_value_does_not_end_the_options()
    {
        CommandJob job = Make(["/bin/x", "{a}", "{b}"], ("a", new() { AllowLeadingDash = true }), ("b", new()));
        Assert.Contains("\"b\": must not begin", Refused(job, """{"a":"--","b":"-x"}"""), StringComparison.Ordinal);
    }

    [Fact]
    public void A_missing_value_gets_its_default_and_null_is_refused()
    {
        CommandJob job = Make(
            ["/bin/x", "{a}", "{b}", "{c}"],
            ("a", new() { Default = "-as configured" }),
            ("b", new() { Type = "boolean", Default = "True" }),
            ("c", new() { Type = "integer", Default = "-3" }));
        Assert.Equal(["/bin/x", "-as configured", "true", "-3"], Line(job, null));
        Assert.Equal(["/bin/x", "given", "false", "4"], Line(job, """{"a":"given","b":false,"c":4}"""));
        Refused(job, """{"a":null}""");
    }

    [Fact]
    public void The_length_of_a_value_is_limited()
    {
        CommandJob job = Make(["/bin/x", "{p}"], ("p", new()), ("n", new() { Type = "number", Default = "1" }));
        Assert.Equal(32 * 1024, Line(job, $$"""{"p":"{{new string('x', 32 * 1024)}}"}""")[1].Length);
        Refused(job, $$"""{"p":"{{new string('x', (32 * 1024) + 1)}}"}""");
        Refused(Make(["/bin/x", "{n}"], ("n", new() { Type = "number" })), $$"""{"n":{{new string('1', (32 * 1024) + 1)}}}""");
    }

    [Fact]
    public void No_value_can_change_the_number_of_words_or_another_word()
    {
        Gen<string> text = Gen.OneOf(
            Gen.Elements(
                "", " ", "-", "--", "a b", "{q}", "{p}", "\n", "'; id; '", "\"", "$(id)", "`id`", "*", "~", "\\", "\u2028", "\u0001", "é",
                "x=y"),
            ArbMap.Default.GeneratorFor<NonNull<string>>().Select(value => value.Get));
        Properties.Holds(Gen.Zip(text, text), values =>
        {
            (string p, string q) = values;
            CommandJob job = Make(
                ["/bin/x", "first", "{p}", "--flag={p}", "--", "{q}", "{p}", "last"], ("p", new() { AllowLeadingDash = true }),
                ("q", new()));
            byte[] arguments = JsonSerializer.SerializeToUtf8Bytes(new Dictionary<string, string> { ["p"] = p, ["q"] = q });

            // Text that is not Unicode is replaced before it arrives here.
            (p, q) = (Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(p)), Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(q)));
            if (p.Contains('\0', StringComparison.Ordinal) || q.Contains('\0', StringComparison.Ordinal))
                Assert.Throws<RefusedException>(() => LineOf(job, arguments));
            else
                Assert.Equal(["/bin/x", "first", p, $"--flag={p}", "--", q, p, "last"], LineOf(job, arguments));
        });
    }

    [Fact]
    public void Describe_shows_the_parameters_as_a_schema_with_values_of_their_types()
    {
        var job = new CommandJob("disk-usage", new CommandOptions
        {
            Description = "Sum up a folder",
            Command = ["/usr/bin/du", "{path}", "{depth}", "{all}", "{ratio}"],
            Parameters = new Dictionary<string, ParameterOptions>
            {
                ["path"] = new() { Pattern = "^/", Description = "the \"folder\"" },
                ["depth"] = new() { Type = "integer", Default = "3" },
                ["all"] = new() { Type = "boolean", Default = "False" },
                ["ratio"] = new() { Type = "number", Default = "1.5" },
            },
            Timeout = TimeSpan.FromSeconds(30),
            Env = ["LANG"],
        });
        JobDescription description = job.Description;

        Assert.Equal(
            ("disk-usage", JobKind.Command, "Sum up a folder", TimeSpan.FromSeconds(30)),
            (description.Name, description.Kind, description.Description, description.Timeout));
        Assert.Equal(["LANG"], description.Environment);
        const string Expected = """
            {"type":"object","properties":{
                "path":{"type":"string","description":"the \"folder\"","pattern":"^/"},
                "depth":{"type":"integer","default":3},
                "all":{"type":"boolean","default":false},
                "ratio":{"type":"number","default":1.5}},
             "required":["path"]}
            """;
        using JsonDocument expected = JsonDocument.Parse(Expected);
        Assert.True(JsonElement.DeepEquals(expected.RootElement, description.Arguments!.Value), description.Arguments.ToString());
        Assert.Null(Make(["/bin/true"]).Description.Arguments);
    }

    [Theory]
    [InlineData("{path}", "path")]
    [InlineData("{a-b.c_1}", "a-b.c_1")]
    [InlineData("{other}", "")]
    [InlineData("{}", "")]
    [InlineData("{", "")]
    [InlineData("}", "")]
    [InlineData("", "")]
    [InlineData("path", "")]
    [InlineData("{path", "")]
    [InlineData("{-x}", "")]
    [InlineData("{PATH}", "")]
    [InlineData("x{path}", "path")]
    [InlineData("x{path}y{a-b.c_1}{path", "path a-b.c_1")]
    [InlineData("x{{path}}", "path")]
    public void A_word_has_the_declared_parameters_that_it_contains(string word, string parameters) =>
        Assert.Equal(parameters.Split(' ', StringSplitOptions.RemoveEmptyEntries), Word(word).Parameters);

    [Theory]
    [InlineData("{path}", null)]
    [InlineData("--name={path}", null)]
    [InlineData("-o=x,{path}", null)]
    [InlineData("/srv/{path}/x", null)]
    [InlineData("echo {other}", null)]
    [InlineData("{path}x", "must be the whole word")]
    [InlineData("{path}{path}", "must be the whole word")]
    [InlineData("-{path}", "could become another option")]
    [InlineData("--{path}=x", "could become another option")]
    [InlineData("-n{path}", "could become another option")]
    [InlineData("echo {path}", "an interpreter")]
    [InlineData("x='{path}'", "an interpreter")]
    [InlineData("x={path};", "an interpreter")]
    public void A_word_in_which_a_value_could_become_an_option_or_code_is_refused(string word, string? problem)
    {
        if (problem is null)
            Assert.Null(Word(word).Problem);
        else
            Assert.Contains(problem, Word(word).Problem);
    }

    private static CommandWord Word(string word) => CommandWord.Parse(word, name => name is "path" or "a-b.c_1");

    private static CommandJob Make(string[] command, params (string Name, ParameterOptions Options)[] parameters) => new(
        "job", new CommandOptions
        {
            Command = command,
            Parameters = parameters.ToDictionary(parameter => parameter.Name, parameter => parameter.Options)
        });

    private static string[] Line(CommandJob job, string? arguments) =>
        LineOf(job, arguments is null ? null : Encoding.UTF8.GetBytes(arguments));

    private static string[] LineOf(CommandJob job, byte[]? arguments)
    {
        ValueTask<string[]> line = job.CommandLineAsync(arguments, default, new PatternMatcher(IdleLoop.Instance, NullLogger.Instance));
        return line.IsCompleted ? line.GetAwaiter().GetResult()
            : throw new InvalidOperationException("a short value was not matched at once");
    }

    private static string Refused(CommandJob job, string? arguments)
    {
        RefusedException refused = Assert.Throws<RefusedException>(() => Line(job, arguments));
        Assert.Equal(ReplyCode.BadArguments, refused.Code);
        return refused.Message;
    }
}
