using System.Diagnostics;
using System.Net;
using System.Text.RegularExpressions;
using PipeForkAs.EndToEnd.Harness;
using PipeForkAs.LibC;
using PipeForkAs.Tests;

namespace PipeForkAs.EndToEnd;

/// <summary>Runs packaging/demo.sh with the executables under test.</summary>
public sealed partial class DemoTests
{
    private static readonly string Script = Path.Combine(Page.Root, "packaging/demo.sh");

    [Fact(Timeout = Bound.Test)]
    public async Task The_demonstration_runs_jobs_as_the_named_user_and_leaves_nothing_behind()
    {
        string[] before = Folders();
        string shown = await DemonstrateAsync(TestUsers.Alice);
        Assert.Contains($"({TestUsers.Alice})", shown);
        Assert.Contains("eggman", shown);
        Assert.Contains("through a pipe, as another user", shown);
        Assert.Contains("exit status 126", shown);
        Assert.Equal(before, Folders());
    }

    [Fact(Timeout = Bound.Test)]
    public async Task Without_a_user_the_demonstration_creates_and_removes_one()
    {
        const string Made = "pipeforkas-demo";
        bool exists = (await Tool.RunAsync(["id", Made])).ExitCode == 0;
        Assert.SkipWhen(exists, $"this machine has a user {Made}, so the demonstration must be given another one");
        Assert.Contains($"({Made})", await DemonstrateAsync());
        Assert.NotEqual(0, (await Tool.RunAsync(["id", Made])).ExitCode);
    }

    [Fact(Timeout = Bound.Test)]
    public async Task With_the_option_for_the_page_the_printed_user_signs_in_and_a_stop_leaves_nothing_behind()
    {
        const string Made = "pipeforkas-demo";
        bool exists = (await Tool.RunAsync(["id", Made])).ExitCode == 0;
        Assert.SkipWhen(exists, $"this machine has a user {Made}, whose password the demonstration does not know");
        string[] before = Folders(), services = Services();
        using var demonstration = new Process
        {
            StartInfo = new ProcessStartInfo("bash", [Script, "--page"])
            {
                RedirectStandardOutput = true,
                Environment = { ["PIPEFORKAS_NATIVE"] = NativeBuild.Folder, ["PIPEFORKAS_PAGE_PORT"] = "0" },
            },
        };
        demonstration.Start();
        var shown = new Dictionary<string, string>();
        while (await demonstration.StandardOutput.ReadLineAsync() is { } line && !line.StartsWith("Ctrl-C", StringComparison.Ordinal))
        {
            if (line.Split(": ", 2) is [var name, var value])
                shown[name] = value;
        }

        try
        {
            Assert.Equal(Made, shown["User"]);
            Assert.Contains("Documents", await BrowseAsync(new Uri(shown["The file page"]), Made, shown["Password"]));
        }
        finally
        {
            Libc.kill(new ProcessId(demonstration.Id), Signal.SIGTERM);
            await demonstration.WaitForExitAsync();
        }

        Assert.Equal(0, demonstration.ExitCode);
        Assert.NotEqual(0, (await Tool.RunAsync(["id", Made])).ExitCode);
        Assert.Equal((before, services), (Folders(), Services()));
    }

    /// <summary>Signs in as a browser does, and returns the first page.</summary>
    private static async Task<string> BrowseAsync(Uri address, string user, string password)
    {
        using var handler = new HttpClientHandler { AllowAutoRedirect = false, UseCookies = false, CheckCertificateRevocationList = true };
        using var browser = new HttpClient(handler) { BaseAddress = address };
        using HttpResponseMessage form = await browser.GetAsync(new Uri("/sign-in", UriKind.Relative));
        string token = FieldWithToken().Match(await form.Content.ReadAsStringAsync()).Groups[1].Value;
        using var filled = new HttpRequestMessage(HttpMethod.Post, "/sign-in")
        {
            Content = new FormUrlEncodedContent(
                new Dictionary<string, string> { ["user"] = user, ["password"] = password, ["token"] = token, ["next"] = "/" }),
        };
        filled.Headers.Add("Cookie", Cookies(form));
        using HttpResponseMessage signedIn = await browser.SendAsync(filled);
        Assert.Equal(HttpStatusCode.SeeOther, signedIn.StatusCode);

        Uri next = signedIn.Headers.Location!;
        for (int i = 0; i < 5; i++)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, next);
            request.Headers.Add("Cookie", Cookies(signedIn));
            using HttpResponseMessage page = await browser.SendAsync(request);
            if (page.StatusCode == HttpStatusCode.OK)
                return await page.Content.ReadAsStringAsync();
            next = page.Headers.Location ?? throw new InvalidOperationException($"the page responded {page.StatusCode}");
        }

        throw new InvalidOperationException("the page redirects without end");
    }

    private static string Cookies(HttpResponseMessage response) =>
        string.Join("; ", response.Headers.GetValues("Set-Cookie").Select(cookie => cookie.Split(';')[0]));

    [GeneratedRegex("name=\"?token\"? value=\"?([A-Za-z0-9_-]{43})")]
    private static partial Regex FieldWithToken();

    private static Task<string> DemonstrateAsync(params string[] arguments) =>
        Tool.MustAsync(["env", "-u", "SUDO_USER", $"PIPEFORKAS_NATIVE={NativeBuild.Folder}", "bash", Script, .. arguments]);

    private static string[] Services() => [.. Directory.GetFiles("/etc/pam.d", "pipeforkas-page-*").Order(StringComparer.Ordinal)];

    private static string[] Folders() => [.. Directory.GetDirectories("/tmp", "pipeforkas-demo.*").Order(StringComparer.Ordinal)];
}
