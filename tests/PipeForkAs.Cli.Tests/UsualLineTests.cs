using System.CommandLine;

using PipeForkAs.Cli.Commands;
using PipeForkAs.Cli.Replies;
using PipeForkAs.Cli.Terminal;
using PipeForkAs.LibC;

namespace PipeForkAs.Cli.Tests;

/// <summary>The small parser of usual lines reads each line that it takes as System.CommandLine does.</summary>
public sealed class UsualLineTests
{
    private static readonly RootCommand Root = MakeRoot();

    /// <summary>Words with a meaning, in all spellings, beside words that look like them.</summary>
    private static readonly string[] Words =
    [
        "run", "id", "list", "check", "-H", "--host", "--host=h", "-H=a@h:22", "-Hh", "h:0", "[::1]", "--host=-x",
        "--socket", "--socket=/a:b", "--socket=", "/run/x.sock", "--daemon-uid", "--daemon-uid=any",
        "any", "0", "-1", "4294967295", "4294967296", "--user", "-u", "-ualice", "-u=bob", "--user=bob", "--user=a=b", "--user=a:b",
        "--user:bob", "--user=", "alice", "--usr", "--timeout", "-t", "-t5", "--timeout=2.5", "2.5", "1,000", "1e3", "NaN", "--env",
        "-e", "-e=A=b", "A=1", "B=", "--env=C=d", "--args", "--args={}", "{}", """{"a":"b c"}""", "--frames", "--frames=false",
        "--frames=true", "--json", "true", "false", "TRUE", " true ", "--no-stdin", "-n", "-n=true", "-nu", "-un",
        "--no-stdin=false", "path=x", "path=a:b", "lines=3", "=", "=x", "--", "-", "-x", "--help", "-h", "-?", "/h", "/?", "/h=x",
        "/h:x", "/?=x", "/hello", "/x", "--version", "", " ", "@file", "@", "[suggest]", "[diagram]", "a b", "\"q\"", "'q'",
        "\"--user\"", "--user=\"q\"", "\u00fcber", "bad\uFFFD", "\U0001F600=x", "tab\tx", "nl\nx",
    ];

    private const string Letters = "-=:/@\"'[]{}ahnrtuex?01 .,\u00e9";

    [Fact]
    public void Every_line_that_it_takes_means_the_same_to_System_CommandLine()
    {
        int taken = 0;
        for (int seed = 0; seed < 60_000; seed++)
        {
            string[] line = Line(new Random(seed));
            if (UsualLine.Parse(line) is not { } usual)
                continue;

            taken++;
            string shown = $"seed {seed}: {string.Join(' ', line.Select(word => $"<{word}>"))}";
            ParseResult parsed = CommandLine.Parse(Root, line);
            Assert.True(parsed.Errors.Count == 0, $"{shown}: {string.Join("; ", parsed.Errors.Select(error => error.Message))}");
            Assert.True(parsed.CommandResult.Command is RunCommand, shown);
            Assert.True(parsed.Action == ((RunCommand)parsed.CommandResult.Command).Action, shown);
            Assert.Equal((shown, Shown(((RunCommand)parsed.CommandResult.Command).ReadOptions(parsed))), (shown, Shown(usual)));
        }

        // Otherwise the lines above prove nothing.
        Assert.True(taken > 2_000, $"only {taken} lines were taken");
    }

    [Theory]
    [InlineData("run", "id")]
    [InlineData("--socket", "/s", "run", "id", "--user", "alice")]
    [InlineData("run", "--socket=/s", "-u", "alice", "--timeout", "10", "du", "path=.")]
    [InlineData("run", "read-file", "path=/etc/hosts", "lines=3")]
    [InlineData("run", "job", "--args", "{\"a\":1}", "--env", "LANG=C", "-e", "TZ=UTC", "--frames", "-n")]
    [InlineData("run", "--no-stdin", "--daemon-uid", "any", "id")]
    [InlineData("-H", "alice@host:22", "run", "id")]
    [InlineData("run", "--host=host", "id")]
    public void Usual_lines_are_taken(params string[] line) => Assert.NotNull(UsualLine.Parse(line));

    [Theory]
    [InlineData]
    [InlineData("run")]
    [InlineData("list")]
    [InlineData("run", "--help")]
    [InlineData("run", "id", "--json")]
    [InlineData("run", "id", "--user")]
    [InlineData("run", "id", "--user", "a", "--user", "b")]
    [InlineData("run", "id", "a=1", "--args", "{}")]
    [InlineData("run", "id", "--timeout", "0")]
    [InlineData("run", "--frames", "true", "id")]
    [InlineData("run", "--", "id")]
    [InlineData("--user", "alice", "run", "id")]
    public void Other_lines_are_left_to_System_CommandLine(params string[] line) => Assert.Null(UsualLine.Parse(line));

    [Theory]
    [InlineData("dial")]
    [InlineData("dial", "--socket=/run/x.sock")]
    [InlineData("dial", "--daemon-uid=any", "--socket=./x")]
    [InlineData("dial", "--daemon-uid=1000")]
    public void The_lines_of_dial_that_clients_send_mean_the_same_to_System_CommandLine(params string[] line)
    {
        ParseResult parsed = CommandLine.Parse(Root, line);
        Assert.Empty(parsed.Errors);
        Assert.Equal(((DialCommand)parsed.CommandResult.Command).ReadOptions(parsed), UsualDial.Parse(line));
    }

    [Theory]
    [InlineData("dial", "--help")]
    [InlineData("dial", "--socket", "/x")]
    [InlineData("dial", "--socket=")]
    [InlineData("dial", "--socket=-x")]
    [InlineData("dial", "--daemon-uid=x")]
    [InlineData("dial", "--socket=/x", "--socket=/y")]
    [InlineData("dial", "-H=h")]
    [InlineData("run", "dial")]
    public void Other_lines_of_dial_are_left_to_System_CommandLine(params string[] line) => Assert.Null(UsualDial.Parse(line));

    private static string[] Line(Random random)
    {
        List<string> line = [];
        if (random.Next(4) == 0)
            line.AddRange([random.Next(2) == 0 ? "--socket" : "-H", Word(random)]);
        if (random.Next(8) != 0)
            line.Add("run");
        int count = random.Next(7);
        for (int i = 0; i < count; i++)
            line.Add(Word(random));
        return [.. line];
    }

    private static string Word(Random random) => random.Next(10) switch
    {
        0 => string.Concat(Enumerable.Range(0, random.Next(1, 5)).Select(_ => Letters[random.Next(Letters.Length)])),
        1 => Words[random.Next(Words.Length)] + Words[random.Next(Words.Length)],
        _ => Words[random.Next(Words.Length)],
    };

    private static string Shown(RunOptions options) => string.Join(
        '|',
        options with { Environment = [], Pairs = [] }, string.Join('&', options.Environment), string.Join('&', options.Pairs));

    private static RootCommand MakeRoot()
    {
        FileDescriptor unused = new(int.MaxValue);
        DescriptorOutput output = new(unused);
        return CommandLine.Root(new StreamSet(unused, output, output), new Report(output));
    }
}
