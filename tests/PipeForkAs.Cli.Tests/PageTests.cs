using System.CommandLine;
using System.Reflection;
using System.Text.Json.Serialization;
using System.Text.RegularExpressions;
using PipeForkAs.Cli.Replies;
using PipeForkAs.Cli.Terminal;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Client;
using PipeForkAs.Tests;

namespace PipeForkAs.Cli.Tests;

/// <summary>Checks that manual pages and completions describe exactly what the command and the protocol have.</summary>
public sealed partial class PageTests
{
    private static readonly RootCommand Root = CommandLine.Root(
        new StreamSet(Nothing, new DescriptorOutput(Nothing), new DescriptorOutput(Nothing)), new Report(new DescriptorOutput(Nothing)));

    /// <summary>A descriptor that no test of this class uses.</summary>
    private static FileDescriptor Nothing => new(int.MaxValue);

    private static readonly string[] Options =
    [
        .. Root.Options.Concat(Root.Subcommands.SelectMany(command => command.Options)).SelectMany(
            option => option.Aliases.Append(option.Name))
            .Where(name => name[0] == '-' && name != "-?").Distinct().Order(StringComparer.Ordinal),
    ];

    private static readonly string[] LongOptions = [.. Options.Where(name => name.StartsWith("--", StringComparison.Ordinal))];

    public static TheoryData<string> Completions => ["pipeforkas.bash", "_pipeforkas", "pipeforkas.fish"];

    [Fact]
    public void The_page_lists_exactly_the_options() =>
        Assert.Equal(
            Options, Flag().Matches(Page.Manual("pipeforkas.1")).Select(match => "-" + match.Groups[1].Value).Distinct().Order(
                StringComparer.Ordinal));

    [Fact]
    public void The_page_lists_exactly_the_commands() =>
        Assert.Equal(
            Root.Subcommands.Select(command => command.Name).Order(),
            CommandItem().Matches(Page.Manual("pipeforkas.1")).Select(match => match.Groups[1].Value).Order());

    [Fact]
    public void The_page_lists_every_exit_status()
    {
        foreach (int status in new[] { ExitStatus.Success, ExitStatus.Error, ExitStatus.Timeout, ExitStatus.Trouble, ExitStatus.Denied,
            ExitStatus.UnknownJob })
            Assert.Matches($@"(?m)^\.It {status}$", Page.Manual("pipeforkas.1"));
    }

    [Theory]
    [MemberData(nameof(Completions))]
    public void Each_completion_has_exactly_the_commands_and_long_options(string name)
    {
        string text = Page.Completion(name);
        Regex option = name.EndsWith(".fish", StringComparison.Ordinal) ? FishOption() : ShellOption();
        string[] offered = [.. option.Matches(text).Select(match => "--" + match.Groups[1].Value).Distinct().Order(StringComparer.Ordinal)];
        Assert.Equal(LongOptions, offered);
        Assert.All(Root.Subcommands, command => Assert.Matches($@"\b{command.Name}\b", text));
    }

    [Fact]
    public void The_protocol_page_lists_exactly_the_reply_codes()
    {
        string page = Page.Manual("pipeforkas-protocol.7");
        string codes = page[page.IndexOf(".Ss Codes", StringComparison.Ordinal)..];
        codes = codes[..codes.IndexOf(".El", StringComparison.Ordinal)];
        Assert.Equal(
            Enum.GetValues<ReplyCode>().Select(code => code.ToWire()).Order(),
            CodeItem().Matches(codes).Select(match => match.Groups[1].Value).Order());
    }

    [Theory]
    [InlineData(typeof(Request))]
    [InlineData(typeof(EndRecord))]
    [InlineData(typeof(JobError))]
    [InlineData(typeof(JobDescription))]
    [InlineData(typeof(CheckResult))]
    [InlineData(typeof(CheckedRule))]
    [InlineData(typeof(DaemonStatus))]
    [InlineData(typeof(JobHostStatus))]
    [InlineData(typeof(LoopStatus))]
    [InlineData(typeof(LoopBucket))]
    [InlineData(typeof(RunningJobStatus))]
    [InlineData(typeof(RecordStatus))]
    public void The_protocol_page_lists_every_member_of_requests_and_replies(Type type)
    {
        string[] members = [
            .. type.GetProperties().Select(property => property.GetCustomAttribute<JsonPropertyNameAttribute>()?.Name).OfType<string>()];
        Assert.NotEmpty(members);
        Assert.All(members, member => Assert.Matches($@"(?:Ql|So) {member}(?![\w-])", Page.Manual("pipeforkas-protocol.7")));
    }

    [GeneratedRegex("""\bFl (-?[a-zA-Z][a-z-]*)""")]
    private static partial Regex Flag();

    [GeneratedRegex("""(?m)^\.It Cm ([a-z-]+)$""")]
    private static partial Regex CommandItem();

    [GeneratedRegex("""(?m)^\.It Ql (\S+)$""")]
    private static partial Regex CodeItem();

    [GeneratedRegex("""(?<![\w-])--([a-z]+(?:-[a-z]+)*)(?![\w-])""")]
    private static partial Regex ShellOption();

    [GeneratedRegex("""(?m)^complete .* -l ([a-z-]+)""")]
    private static partial Regex FishOption();
}
