using Deque.AxeCore.Commons;
using Deque.AxeCore.Playwright;
using Microsoft.Playwright;
using PipeForkAs.EndToEnd.Harness;
using PipeForkAs.Files.Tests.Harness;
using static Microsoft.Playwright.Assertions;

namespace PipeForkAs.Files.Tests;

/// <summary>The page by keyboard, with a small screen, for a screen reader, and with a slow network.</summary>
[Trait("Needs", "browser")]
[Collection(PageTestGroup.Name)]
public sealed class AccessTests(SharedPage shared)
{
    private const int MaxPageBytes = 100_000;

    private static string Home => SharedPage.Home(TestUsers.Alice);

    [Fact(Timeout = Bound.Test)]
    public async Task Everything_works_by_keyboard_alone()
    {
        await SharedPage.AsAsync(TestUsers.Alice, "rm -rf keys && mkdir -p keys/a keys/b && echo hello >keys/b/text");
        IPage tab = await shared.OpenAsync();

        // The driver tells the browser in time that no person will choose a file.
        tab.FileChooser += (_, _) => { };
        await tab.GotoAsync("/");

        // The form gets the focus.
        await Expect(tab.Locator("input[name=user]")).ToBeFocusedAsync();
        await tab.Keyboard.TypeAsync(TestUsers.Alice);
        await tab.Keyboard.PressAsync("Tab");
        await tab.Keyboard.TypeAsync(SharedPage.Password);
        await tab.Keyboard.PressAsync("Enter");
        await Expect(tab.Locator(".user span")).ToHaveTextAsync(TestUsers.Alice);

        await FocusAsync(tab, "keys");
        await tab.Keyboard.PressAsync("Enter");
        await Expect(tab.Locator("h1")).ToHaveTextAsync("keys");

        // A new folder.
        await FocusAsync(tab, null, "New folder");
        await tab.Keyboard.TypeAsync("c");
        await tab.Keyboard.PressAsync("Enter");
        await Expect(tab.Locator(".note")).ToHaveTextAsync("Created");

        // Arrows, F2, Delete.
        await FocusAsync(tab, "a");
        await tab.Keyboard.PressAsync("ArrowDown");
        await Expect(Focused(tab)).ToHaveTextAsync("b");
        await tab.Keyboard.PressAsync("End");
        await Expect(Focused(tab)).ToHaveTextAsync("c");
        await tab.Keyboard.PressAsync("F2");
        await Expect(Focused(tab)).ToHaveValueAsync("c");
        await tab.Keyboard.PressAsync("Control+A");
        await tab.Keyboard.TypeAsync("d");
        await tab.Keyboard.PressAsync("Enter");
        await Expect(tab.Locator(".note")).ToHaveTextAsync("Renamed");
        await FocusAsync(tab, "a");
        await tab.Keyboard.PressAsync("x");
        await tab.Keyboard.PressAsync("ArrowDown");
        await tab.Keyboard.PressAsync("ArrowDown");
        await tab.Keyboard.PressAsync("x");
        await tab.Keyboard.PressAsync("Delete");
        await Expect(tab.Locator("h1")).ToHaveTextAsync("Delete 2 from keys?");
        await FocusAsync(tab, "Delete");
        await tab.Keyboard.PressAsync("Enter");
        await Expect(tab.Locator(".note")).ToHaveTextAsync("Deleted: 2");
        Assert.Equal(["b"], Directory.GetDirectories($"{Home}/keys").Select(Path.GetFileName));

        // An upload: the button opens the browser's dialog.
        await FocusAsync(tab, "Upload files");
        IFileChooser chooser = await tab.RunAndWaitForFileChooserAsync(() => tab.Keyboard.PressAsync("Enter"));
        await chooser.SetFilesAsync(new FilePayload { Name = "typed.txt", MimeType = "text/plain", Buffer = [1, 2, 3] });
        await Expect(tab.Locator(".note")).ToHaveTextAsync("Uploaded: 1");

        await FocusAsync(tab, "b");
        await tab.Keyboard.PressAsync("Enter");
        await Expect(tab.Locator("h1")).ToHaveTextAsync("b");
        await FocusAsync(tab, "text");
        await tab.Keyboard.PressAsync("Enter");
        await Expect(tab.Locator("pre")).ToHaveTextAsync("hello\n");
        await FocusAsync(tab, "Sign out");
        await tab.Keyboard.PressAsync("Enter");
        await Expect(tab.GetByRole(AriaRole.Heading, new() { Name = "Sign in" })).ToBeVisibleAsync();
    }

    [Theory(Timeout = Bound.Test)]
    [InlineData(ColorScheme.Light)]
    [InlineData(ColorScheme.Dark)]
    public async Task No_page_has_a_serious_finding_of_axe(ColorScheme scheme)
    {
        await SharedPage.AsAsync(TestUsers.Alice, "rm -rf axe && mkdir -p axe/folder && echo text >axe/text && ln -s text axe/link");
        IPage tab = await shared.OpenAsync(new() { ColorScheme = scheme });
        await tab.GotoAsync("/sign-in?next=/x");
        await CheckAsync("sign-in");
        tab = await shared.SignInAsync(TestUsers.Alice, new() { ColorScheme = scheme });
        await tab.GotoAsync(Addresses.Folder($"{Home}/axe") + "?done=deleted&count=3");
        await CheckAsync("a folder");
        await tab.EvaluateAsync("document.getElementById('uploads').hidden = false");
        await tab.GotoAsync(Addresses.File($"{Home}/axe/text"));
        await CheckAsync("a text");
        await tab.GotoAsync(Addresses.Folder("/root"));
        await CheckAsync("a refusal");
        foreach (string button in (string[])["Rename", "Delete"])
        {
            await tab.GotoAsync(Addresses.Folder($"{Home}/axe"));
            await tab.GetByLabel("text", new() { Exact = true }).CheckAsync();
            await tab.GetByRole(AriaRole.Button, new() { Name = button }).ClickAsync();
            await CheckAsync(button);
        }

        async Task CheckAsync(string what)
        {
            AxeResult result = await tab.RunAxe();
            Assert.NotEmpty(result.Passes);
            Assert.True(
                result.Violations.All(finding => finding.Impact is not ("serious" or "critical")),
                $"{what}: {string.Join("; ", result.Violations.Select(finding => $"{finding.Impact} {finding.Id}: {finding.Help} "
                    + string.Join(", ", finding.Nodes.Select(node => node.Html))))}");
        }
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_phone_shows_the_page_without_scrolling_sideways()
    {
        string name = new('w', 200);
        await SharedPage.AsAsync(TestUsers.Alice, $"rm -rf phone && mkdir -p phone/{name} && seq 100 >phone/text");
        IPage tab = await shared.SignInAsync(
            TestUsers.Alice, new() { ViewportSize = new() { Width = 360, Height = 740 }, IsMobile = true, HasTouch = true });
        foreach (string address in (string[])[
            Addresses.Folder($"{Home}/phone"), Addresses.Folder($"{Home}/phone/{name}"), Addresses.File($"{Home}/phone/text"), "/nothing"])
        {
            await tab.GotoAsync(address);
            Assert.Equal(360, await tab.EvaluateAsync<int>("document.documentElement.scrollWidth"));
        }
    }

    [Fact(Timeout = Bound.Test)]
    public async Task Dark_and_light_follow_the_browser()
    {
        foreach ((ColorScheme scheme, string color) in ((ColorScheme, string)[])[
            (ColorScheme.Light, "rgb(255, 255, 255)"), (ColorScheme.Dark, "rgb(20, 25, 31)")])
        {
            IPage tab = await shared.OpenAsync(new() { ColorScheme = scheme });
            await tab.GotoAsync("/sign-in");
            Assert.Equal(color, await tab.EvaluateAsync<string>("getComputedStyle(document.body).backgroundColor"));
        }
    }

    [Fact(Timeout = Bound.Test)]
    public async Task Ten_thousand_entries_are_one_small_page()
    {
        await SharedPage.AsAsync(
            TestUsers.Alice, "rm -rf many && mkdir many && cd many && seq -f 'measurement-%05g.csv' 10000 | xargs touch");
        IPage tab = await shared.SignInAsync(TestUsers.Alice);
        await tab.GotoAsync(Addresses.Folder($"{Home}"));
        var requests = new List<IRequest>();
        tab.Request += (_, request) => requests.Add(request);
        long started = TimeProvider.System.GetTimestamp();
        await tab.GotoAsync(Addresses.Folder($"{Home}/many"));
        await tab.GetByLabel("Find").FillAsync("-09876");
        TimeSpan shown = TimeProvider.System.GetElapsedTime(started);
        Assert.Single(requests, request => request.ResourceType == "document");
        Assert.InRange(requests.Count, 1, 5);
        await Expect(tab.Locator(".pages p")).ToHaveTextAsync("1 to 200 of 10,000");
        int nodes = await tab.EvaluateAsync<int>("document.querySelectorAll('*').length");
        started = TimeProvider.System.GetTimestamp();
        await tab.Keyboard.PressAsync("Enter");
        await Expect(tab.Locator("#list a")).ToHaveTextAsync(["measurement-09876.csv"]);
        TimeSpan found = TimeProvider.System.GetElapsedTime(started);
        await tab.GotoAsync(Addresses.Folder($"{Home}/many") + "?desc=1");
        await Expect(tab.Locator("#list a").First).ToHaveTextAsync("measurement-10000.csv");
        await tab.GetByRole(AriaRole.Link, new() { Name = "Last" }).ClickAsync();
        await Expect(tab.Locator("#list a").Last).ToHaveTextAsync("measurement-00001.csv");
        await SharedPage.AsAsync(TestUsers.Alice, "rm -r many");
        Console.WriteLine(FormattableString.Invariant(
            $"measured: a folder of 10,000 entries is usable after {shown.TotalMilliseconds:0} ms, with {nodes} elements; ")
            + FormattableString.Invariant($"one of them is found after {found.TotalMilliseconds:0} ms"));
        Assert.InRange(nodes, 200, 3000);
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_page_weighs_less_than_100_kB_with_all_that_it_loads()
    {
        await SharedPage.AsAsync(
            TestUsers.Alice, "rm -rf heavy && mkdir heavy && cd heavy && seq -f 'measurement-%05g.csv' 10000 | xargs touch");
        IPage tab = await shared.SignInAsync(TestUsers.Alice);
        long bytes = 0;
        var sizes = new List<Task>();
        var kinds = new List<string>();
        IPage fresh = await tab.Context.NewPageAsync();
        ICDPSession network = await tab.Context.NewCDPSessionAsync(fresh);
        await network.SendAsync("Network.enable");
        await network.SendAsync("Network.setCacheDisabled", new Dictionary<string, object> { ["cacheDisabled"] = true });
        fresh.RequestFinished += (_, request) => sizes.Add(AddAsync(request));
        await fresh.GotoAsync(Addresses.Folder($"{Home}/heavy"), new() { WaitUntil = WaitUntilState.NetworkIdle });
        await Task.WhenAll(sizes);
        await SharedPage.AsAsync(TestUsers.Alice, "rm -r heavy");
        Assert.Contains("document", kinds);
        Assert.Contains("script", kinds);
        Assert.Contains("stylesheet", kinds);
        Console.WriteLine(FormattableString.Invariant(
            $"measured: the page of a folder of 10,000 entries loads {bytes} bytes in {kinds.Count} requests, without compression"));
        Assert.InRange(bytes, 10_000, MaxPageBytes);

        async Task AddAsync(IRequest request)
        {
            RequestSizesResult size = await request.SizesAsync();
            Interlocked.Add(ref bytes, size.ResponseBodySize + size.ResponseHeadersSize);
            kinds.Add(request.ResourceType);
        }
    }

    private static ILocator Focused(IPage tab) => tab.Locator(":focus");

    /// <summary>Presses Tab until an element with a text or a label has the focus.</summary>
    private static async Task FocusAsync(IPage tab, string? text, string? label = null)
    {
        // The keys do nothing before the page's script has run.
        await tab.WaitForLoadStateAsync();
        for (int step = 0; step < 100; step++)
        {
            await tab.Keyboard.PressAsync("Tab");
            string found = await tab.EvaluateAsync<string>(
                label is null
                    ? "document.activeElement.textContent.trim()"
                    : "document.activeElement.labels?.[0]?.textContent.trim() ?? ''");
            if (found == (text ?? label))
                return;
        }

        Assert.Fail($"no number of Tab leads to {text ?? label}");
    }
}
