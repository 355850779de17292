using System.Text.RegularExpressions;
using System.Xml.Linq;
using PipeForkAs.Tests;

namespace PipeForkAs.Architecture.Tests;

/// <summary>Checks that the documents are complete, and that everything they name exists.</summary>
public sealed partial class DocumentTests
{
    private const int MaxReadmeWords = 1500;

    private static readonly string[] Expected = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"];

    private const string TemplateTest =
        "TemplateTests.The_commands_of_README_and_of_the_templates_lead_from_the_packages_to_an_answer";

    /// <summary>The documents whose commands tests run.</summary>
    private static readonly string[] RunDocuments =
    [
        "README.md", "ARCHITECTURE.md", "src/clients/node/README.md", "src/clients/php/README.md", "src/clients/shell/README.md",
    ];

    /// <summary>The runner of each command in these documents: a test, or a script that runs before the tests.</summary>
    private static readonly Dictionary<string, string> RunBy = new()
    {
        ["echo '{\"job\":\"id\",\"user\":\"alice\"}' | socat -t 30 - UNIX-CONNECT:/run/pipeforkas/pipeforkas.sock"] =
            "ReadmeTests.The_commands_that_request_a_job_run_as_they_are_written",
        ["sudo packaging/demo.sh [USER]"] = "DemoTests.The_demonstration_runs_jobs_as_the_named_user_and_leaves_nothing_behind",
        ["sudo packaging/demo.sh --page"] =
            "DemoTests.With_the_option_for_the_page_the_printed_user_signs_in_and_a_stop_leaves_nothing_behind",
        ["sudo tests/run.sh"] = "tests/run.sh",
        ["packaging/build-deb.sh"] = "tests/run.sh",
        ["packaging/build.sh"] = "tests/run.sh",
        ["packaging/pack.sh"] = "tests/run.sh",
        ["dotnet nuget add source \"$PWD/artifacts/packages\" --name pipeforkas"] = TemplateTest,
        ["dotnet new install PipeForkAs.Templates"] = TemplateTest,
        ["dotnet new pipeforkas-jobs -n panel-jobs"] = TemplateTest,
        ["dotnet run -- run greet Name=World"] = "tests/build-readme-jobs.sh",
        ["dotnet publish -r linux-x64"] = "tests/build-readme-jobs.sh",
        ["sudo install -D -m 755 bin/Release/net10.0/linux-x64/publish/panel-jobs /opt/panel/panel-jobs"] = "tests/build-readme-jobs.sh",
    };

    /// <summary>Sections whose commands a test reads from the document itself; without a heading all of them.</summary>
    private static readonly (string Document, string? Heading, string Test)[] RunSections =
    [
        ("README.md", "Request a job", "ReadmeTests.The_commands_that_request_a_job_run_as_they_are_written"),
        ("README.md", "Install", "InstallTests.The_commands_in_README_install_a_working_service"),
        ("src/clients/node/README.md", null,
            "ClientReadmeTests.The_tarball_for_Node_is_packed_and_installed_by_the_commands_of_the_page"),
        ("src/clients/shell/README.md", null, "ClientReadmeTests.The_commands_for_the_shell_run_as_they_are_written"),
    ];

    public static TheoryData<string> Documents =>
    [
        .. Expected, "tests/THREATS.md", "tests/bench/README.md", "tests/clients/README.md", "tests/fuzz/README.md",
        "src/clients/node/README.md", "src/clients/php/README.md", "src/clients/python/README.md", "src/clients/shell/README.md",
        "packaging/ansible/README.md", "packaging/when-not.md", "packaging/many-hosts.md",
    ];

    [Fact]
    public void All_five_documents_exist() =>
        Assert.All(Expected, name => Assert.True(File.Exists(Path.Combine(Page.Root, name)), $"there is no {name}"));

    [Fact]
    public void README_has_at_most_1500_words()
    {
        int words = Word().Count(Text("README.md"));
        Assert.True(words <= MaxReadmeWords, $"README.md has {words} words; move reference to the man pages");
        Assert.True(words > MaxReadmeWords / 3, $"README.md has only {words} words; the count is wrong");
    }

    [Fact]
    public void README_names_the_version_of_the_packages()
    {
        string version = XDocument.Load(Path.Combine(Page.Root, "Directory.Build.props")).Descendants("Version").Single().Value;
        Assert.Contains($"""<PackageReference Include="PipeForkAs.Jobs" Version="{version}" />""", Page.Example("Write a job", "xml"));
    }

    [Fact]
    public void README_names_the_origin_of_the_idea() =>
        Assert.Contains("Robert D. French", Text("README.md"), StringComparison.Ordinal);

    [Theory]
    [MemberData(nameof(Documents))]
    public void Every_link_in_a_document_leads_to_a_file(string document)
    {
        string folder = Path.GetDirectoryName(Path.Combine(Page.Root, document))!;
        string[] missing =
        [
            .. Link().Matches(Text(document)).Select(match => match.Groups[1].Value)
                .Where(target => !target.StartsWith("https://", StringComparison.Ordinal) && !Path.Exists(Path.Combine(folder, target))),
        ];
        Assert.Empty(missing);
    }

    [Theory]
    [MemberData(nameof(Documents))]
    public void Every_path_in_a_document_exists(string document)
    {
        string[] sources = [.. Repository.SourceFiles.Concat(Repository.TestFiles).Select(file => Path.GetFileName(file.Path))];
        string[] missing = [.. Paths(Text(document)).Where(path => !Path.Exists(Path.Combine(Page.Root, path)) && !sources.Contains(path))];
        Assert.Empty(missing);
    }

    [Theory]
    [InlineData("src/clients/node/lib/reply.js")]
    [InlineData("src/clients/node/index.d.ts")]
    [InlineData("src/clients/php/PipeForkAs.php")]
    public void A_client_in_another_language_knows_every_reply_code(string client)
    {
        string list = Text("src/PipeForkAs.Protocol/Client/Contract/ReplyCodes.cs");
        string[] codes = [.. ReplyCodeWord().Matches(list).Select(match => match.Groups[1].Value)];
        Assert.True(codes.Length >= 17, string.Join(' ', codes));

        // The list is the only place where all of them are.
        Assert.Contains(
            string.Join(' ', codes), string.Join(' ', QuotedWord().Matches(Text(client)).Select(match => match.Groups[1].Value)),
            StringComparison.Ordinal);
    }

    [Fact]
    public void The_client_for_Node_has_the_version_of_the_build() => Assert.Equal(
        Regex.Match(Text("Directory.Build.props"), "<Version>(.*)</Version>").Groups[1].Value,
        Regex.Match(Text("src/clients/node/package.json"), "\"version\": \"(.*)\"").Groups[1].Value);

    [Fact]
    public void Paths_in_code_spans_are_found() => Assert.Equal(
        ["src/No/Such.cs", "packaging/man", "NoSuch.cs"],
        Paths("`src/No/Such.cs` in `packaging/man/` and `NoSuch.cs`, not `job.Input` or src/x.cs"));

    [Fact]
    public void Every_command_in_README_and_ARCHITECTURE_is_run_by_a_test()
    {
        string[] runBySection = [.. RunSections.SelectMany(section => Page.Commands(section.Document, section.Heading))];
        string[] commands = [.. RunDocuments.SelectMany(document => Page.Commands(document)).Distinct()];
        Assert.NotEmpty(runBySection);
        Assert.Empty(commands.Except(RunBy.Keys).Except(runBySection));
        Assert.Empty(RunBy.Keys.Except(commands));
        Assert.All(RunBy.Values.Concat(RunSections.Select(section => section.Test)), runner => Assert.True(
            runner.Contains('/', StringComparison.Ordinal) ? File.Exists(Path.Combine(Page.Root, runner)) : ThreatTests.Exists(runner),
            $"there is no {runner}"));
    }

    [Fact]
    public void Every_option_in_the_documents_exists()
    {
        string[] manuals = ["pipeforkas.1", "pipeforkasd.8"];
        string[] scripts = ["tests/run.sh", "tests/bench/run.sh", "tests/fuzz/run.sh", "packaging/demo.sh", "packaging/build.sh"];
        foreach (string code in Expected.SelectMany(document => Code(document)).Where(code => !IsOthers().IsMatch(code)))
        {
            string[] names = [.. Option().Matches(code).Select(match => match.Groups[1].Value)];
            string program = code.Split(' ').FirstOrDefault(word => word is not "sudo") ?? "";
            string known = program switch
            {
                "pipeforkas" or "pipeforkasd" => Options(program == "pipeforkas" ? manuals[0] : manuals[1]),
                _ when program.EndsWith(".sh", StringComparison.Ordinal) => Text(program),
                _ => string.Concat(manuals.Select(Options).Concat(scripts.Select(Text))),
            };
            Assert.All(names, name => Assert.True(Regex.IsMatch(known, $@"--{name}(?![\w-])"), $"there is no option --{name}: {code}"));
        }
    }

    /// <summary>A manual page with its options as they are typed.</summary>
    private static string Options(string name) => Page.Manual(name).Replace("Fl -", "--", StringComparison.Ordinal);

    private static string Text(string path) => File.ReadAllText(Path.Combine(Page.Root, path));

    /// <summary>
    /// The paths in the code spans of a text: files and folders below the folders of the repository, and file names with known extensions.
    /// </summary>
    private static IEnumerable<string> Paths(string text) =>
        from Match span in CodeSpan().Matches(Fence().Replace(text, ""))
        from word in span.Groups[1].Value.Split(' ')
        where TopFolder().IsMatch(word) || (TopFile().IsMatch(word) && !word.Contains('/', StringComparison.Ordinal))
        select word.TrimEnd('/');

    /// <summary>Code spans and commands.</summary>
    private static IEnumerable<string> Code(string document) =>
        CodeSpan().Matches(Fence().Replace(Text(document), "")).Select(match => match.Groups[1].Value).Concat(Page.Commands(document));

    [GeneratedRegex("""[^\s]*\w[^\s]*""")]
    private static partial Regex Word();

    [GeneratedRegex("""^ +\("([a-z-]+)", ReplyCode\.""", RegexOptions.Multiline)]
    private static partial Regex ReplyCodeWord();

    [GeneratedRegex("""'([a-z-]+)'""")]
    private static partial Regex QuotedWord();

    [GeneratedRegex("""\]\(([^)#\s]+)(?:#[^)]*)?\)""")]
    private static partial Regex Link();

    [GeneratedRegex("""`([^`\n]+)`""")]
    private static partial Regex CodeSpan();

    [GeneratedRegex("""(?ms)^```.*?^```$""")]
    private static partial Regex Fence();

    [GeneratedRegex("""^(?:src|tests|packaging|eng)/[\w./-]+$""")]
    private static partial Regex TopFolder();

    [GeneratedRegex("""^[\w.-]+\.(?:cs|md|sh|props|targets|sln|service)$""")]
    private static partial Regex TopFile();

    [GeneratedRegex("""(?<![\w-])--([a-z][a-z-]*)""")]
    private static partial Regex Option();

    /// <summary>Commands of other programs.</summary>
    [GeneratedRegex("""^(?:sudo )?(?:dotnet|systemctl|git|install|man|/tmp)\b""")]
    private static partial Regex IsOthers();
}
