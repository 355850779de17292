using System.Diagnostics;
using System.Text.Json;
using System.Text.RegularExpressions;
using PipeForkAs.Tests;

namespace PipeForkAs.Architecture.Tests;

/// <summary>Checks that manual pages are well formed. Other tests check that they are complete.</summary>
public sealed partial class PageTests
{
    private static readonly string[] Expected = [
        "pipeforkas-jobs.7", "pipeforkas-protocol.7", "pipeforkas.1", "pipeforkas.json.5", "pipeforkasd.8"];

    public static TheoryData<string> Names => [.. Expected];

    [Fact]
    public void Each_expected_page_exists() =>
        Assert.Equal(Expected, Page.Manuals().Select(page => Path.GetFileName(page)).Order(StringComparer.Ordinal));

    [Theory]
    [MemberData(nameof(Names))]
    public async Task A_page_is_displayed_without_a_warning(string name)
    {
        Assert.SkipUnless(File.Exists("/usr/bin/man"), "man(1) is not installed; install man-db to check the page");
        (int status, string output, string error) = await RunAsync("man", "--warnings", "-E", "UTF-8", "-l", PathOf(name));
        Assert.Equal((0, ""), (status, error));
        Assert.Contains(Path.GetFileNameWithoutExtension(name), output, StringComparison.Ordinal);

        // A quotation that begins in another (.Ql a , Ql b) ends with the line.
        Assert.DoesNotContain("’’", output, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public async Task A_page_passes_the_lint_of_mandoc(string name)
    {
        Assert.SkipUnless(File.Exists("/usr/bin/mandoc"), "mandoc(1) is not installed; install mandoc to check the page");
        Assert.Equal((0, "", ""), await RunAsync("mandoc", "-T", "lint", "-W", "warning", PathOf(name)));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void A_page_refers_to_existing_pages_and_has_the_right_title(string name)
    {
        string text = Page.Manual(name);
        Assert.StartsWith(
            $".Dt {Path.GetFileNameWithoutExtension(name).ToUpperInvariant()} {name[^1]}",
            text[(text.IndexOf(".Dt", StringComparison.Ordinal))..], StringComparison.Ordinal);
        string[] own = [
            .. Reference().Matches(text).Select(match => $"{match.Groups[1].Value}.{match.Groups[2].Value}").Where(
                page => page.StartsWith("pipeforkas", StringComparison.Ordinal)).Distinct()];
        Assert.Empty(own.Except(Expected));
        Assert.NotEmpty(own);
    }

    [Fact]
    public void Every_option_of_the_daemon_is_in_its_page()
    {
        string source = Repository.SourceFiles.Single(file => file.Path == "src/PipeForkAs.Daemon/Program.cs").Text;
        string[] options = [.. Option().Matches(source).Select(match => match.Groups[1].Value), "help", "version"];
        Assert.Contains("check-config", options);
        Assert.Equal(
            options.Order(), Flag().Matches(Page.Manual("pipeforkasd.8")).Select(match => match.Groups[1].Value).Distinct().Order());
    }

    [Fact]
    public void Every_field_of_the_audit_record_is_in_the_page_of_the_daemon()
    {
        string source = Repository.SourceFiles.Single(file => file.Path == "src/PipeForkAs.Daemon/Auditing/AuditRecord.cs").Text;
        string[] fields = [
            .. AuditField().Matches(source).Select(match => JsonNamingPolicy.SnakeCaseLower.ConvertName(match.Groups[1].Value))];
        Assert.Contains("caller_uid", fields);
        Assert.All(fields, field => Assert.Matches($@"\b(?:Ql|So) {field}\b", Page.Manual("pipeforkasd.8")));
    }

    private static string PathOf(string name) => Page.Manuals().Single(page => Path.GetFileName(page) == name);

    private static async Task<(int Status, string Output, string Error)> RunAsync(string program, params string[] arguments)
    {
        using var process = new Process
        {
            StartInfo = new ProcessStartInfo(program, arguments)
            {
                RedirectStandardOutput = true,
                RedirectStandardError = true,
                Environment = { ["LC_ALL"] = "C.UTF-8", ["MANWIDTH"] = "80", ["MANROFFOPT"] = "" },
            },
        };
        process.Start();
        Task<string> output = process.StandardOutput.ReadToEndAsync(), error = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        return (process.ExitCode, await output, await error);
    }

    [GeneratedRegex("""(?m)^\.Xr (\S+) ([1-9])""")]
    private static partial Regex Reference();

    [GeneratedRegex("""new Option<[^>]+>\("--([a-z-]+)"\)""")]
    private static partial Regex Option();

    [GeneratedRegex("""\bAdd\("(\w+)"[,)]""")]
    private static partial Regex AuditField();

    [GeneratedRegex("""\bFl -([a-z][a-z-]*)""")]
    private static partial Regex Flag();
}
