using System.Collections.Concurrent;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.Playwright;
using PipeForkAs.EndToEnd.Harness;
using PipeForkAs.LibC;

namespace PipeForkAs.Files.Tests.Harness;

/// <summary>
/// A daemon that signs users in by PAM, the page, and a browser. The page may act only for users who signed in. All tests share them.
/// </summary>
public sealed class SharedPage : IAsyncLifetime
{
    private const string Chromium = "/usr/bin/chromium";

    private readonly PamService pam = new(_ => "auth required pam_unix.so nodelay\naccount required pam_unix.so\n");
    private readonly ConcurrentQueue<string> foreign = new();
    private readonly List<(string? Test, IBrowserContext Context)> opened = [];
    private readonly Dictionary<string, IPage> shared = [];
    private IPlaywright? playwright;

    internal DaemonProcess Daemon { get; private set; } = null!;

    internal PageProcess Page { get; private set; } = null!;

    internal IBrowser Browser { get; private set; } = null!;

    internal static string Password { get; } = $"p-{Guid.NewGuid():N}";

    internal static string Home(string user) => TestUsers.Entry(user).Home;

    public async ValueTask InitializeAsync()
    {
        foreach (string user in (string[])[TestUsers.Alice, TestUsers.Bob])
        {
            await SetPasswordAsync(user);
            Libc.chmod(Home(user), 0x1C0); // 0700
        }

        Daemon = await DaemonProcess.StartAsync(configuration =>
        {
            configuration["JobHosts"] = new JsonArray(new JsonObject { ["Path"] = NativeBuild.StockJobs, ["Workers"] = 4 });
            configuration["Policy"] = Policy(pam);
        });
        Page = await PageProcess.StartAsync(Daemon);
        Assert.True(File.Exists(Chromium), $"{Chromium} is missing; tests/run.sh installs it");
        playwright = await Playwright.CreateAsync();
        Browser = await playwright.Chromium.LaunchAsync(new() { ExecutablePath = Chromium, ChromiumSandbox = false });
    }

    public async ValueTask DisposeAsync()
    {
        try
        {
            if (Browser is not null)
                await Browser.CloseAsync();
            playwright?.Dispose();
            if (Page is not null)
                await Page.DisposeAsync();
            if (Daemon is not null)
            {
                await using (Daemon)
                    Assert.Equal(0, await Daemon.StopAsync());
            }
        }
        finally
        {
            pam.Dispose();

            // Names that are not UTF-8, which .NET cannot remove.
            foreach (string user in (string[])[TestUsers.Alice, TestUsers.Bob])
                await Tool.RunAsync(["find", Home(user), "-mindepth", "1", "-delete"]);
        }

        Assert.Empty(foreign);
        Assert.Empty(ProcFs.OfUsers([new UserId(TestUsers.FirstUnusedUid)]));
    }

    internal static async Task SetPasswordAsync(string user) =>
        Assert.Equal(0, (await Tool.RunAsync(["chpasswd"], Encoding.UTF8.GetBytes($"{user}:{Password}\n"))).ExitCode);

    /// <summary>Opens a browser of its own, as another person would use. The tests fail if it asks any other site for anything.</summary>
    internal async Task<IPage> OpenAsync(BrowserNewContextOptions? options = null, PageProcess? page = null)
    {
        options ??= new();
        options.BaseURL = (page ?? Page).Address!.ToString();
        await CloseFormerAsync();
        IBrowserContext context = await Browser.NewContextAsync(options);
        opened.Add((TestContext.Current.Test?.UniqueID, context));
        context.SetDefaultTimeout(60_000);
        context.Request += (_, request) =>
        {
            if (new Uri(request.Url) is { IsAbsoluteUri: true, Scheme: not "data" and not "blob" } url && url.Host != "localhost")
                foreign.Enqueue(request.Url);
        };
        return await context.NewPageAsync();
    }

    /// <summary>Returns a tab with the start page of a user, which tests share: for those that change neither the tab nor the session.
    /// </summary>
    internal async Task<IPage> EnterAsync(string user)
    {
        if (shared.TryGetValue(user, out IPage? tab))
        {
            await tab.GotoAsync("/");
            if (await tab.Locator(".user span").CountAsync() == 1)
                return tab;
            await tab.Context.CloseAsync();
        }

        shared[user] = tab = await SignInAsync(user);
        opened.RemoveAll(one => one.Context == tab.Context);
        return tab;
    }

    /// <summary>Opens a browser, and signs a user in by the form.</summary>
    internal async Task<IPage> SignInAsync(string user, BrowserNewContextOptions? options = null, PageProcess? page = null)
    {
        IPage tab = await OpenAsync(options, page);
        await tab.GotoAsync("/");
        await tab.GetByLabel("User").FillAsync(user);
        await tab.GetByLabel("Password").FillAsync(Password);
        await tab.GetByRole(AriaRole.Button, new() { Name = "Sign in" }).ClickAsync();
        await Assertions.Expect(tab.Locator(".user span")).ToHaveTextAsync(user);
        return tab;
    }

    /// <summary>Runs a script of the shell as a user, in the home directory.</summary>
    internal static async Task AsAsync(string user, string script)
    {
        ToolResult result = await Tool.RunAsAsync(user, ["/bin/bash", "-c", $"cd && {script}"]);
        Assert.True(result.ExitCode == 0, result.Error);
    }

    /// <summary>Closes the browsers of tests that have ended.</summary>
    private async Task CloseFormerAsync()
    {
        string? test = TestContext.Current.Test?.UniqueID;
        foreach ((string? Test, IBrowserContext Context) one in opened.Where(one => one.Test != test).ToArray())
        {
            opened.Remove(one);
            await one.Context.CloseAsync();
        }
    }

    /// <summary>A policy in which the page may act for those who signed in.</summary>
    private static JsonObject Policy(PamService pam) => new()
    {
        ["SignIn"] = new JsonObject { ["PamService"] = pam.Name, ["Callers"] = new JsonArray(PageProcess.Uid), ["MaxFailures"] = 5 },
        ["Rules"] = new JsonArray(
            new JsonObject
            {
                ["Name"] = "page",
                ["Callers"] = new JsonArray(PageProcess.Uid),
                ["Jobs"] = new JsonArray(
                    "list-directory", "stat", "read-file", "write-file", "archive-directory", "make-directory", "rename", "remove"),
                ["As"] = new JsonArray("*"),
                ["RequireSignIn"] = true,
            }),
    };
}

/// <summary>The tests that share the page.</summary>
[CollectionDefinition(Name)]
public sealed class PageTestGroup : ICollectionFixture<SharedPage>
{
    public const string Name = "page";
}
