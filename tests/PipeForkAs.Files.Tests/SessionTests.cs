using System.Net;
using System.Net.Sockets;
using System.Text;
using Microsoft.Playwright;
using PipeForkAs.EndToEnd.Harness;
using PipeForkAs.Files.Tests.Harness;
using PipeForkAs.LibC;
using static Microsoft.Playwright.Assertions;

namespace PipeForkAs.Files.Tests;

/// <summary>Sign-in, and the end of sessions.</summary>
[Trait("Needs", "browser")]
[Collection(PageTestGroup.Name)]
public sealed class SessionTests(SharedPage shared)
{
    private const string Cookie = "__Host-pipeforkas-files";

    [Fact(Timeout = Bound.Test)]
    public async Task A_wrong_password_and_an_unknown_name_get_the_same_words()
    {
        string[] words = [.. await Task.WhenAll(TryAsync(TestUsers.Bob, "wrong"), TryAsync("no-such-user", "wrong"))];
        Assert.All(words, text => Assert.Equal("The sign-in failed. Check the name and the password.", text));
        Assert.DoesNotContain("wrong", shared.Page.Log, StringComparison.Ordinal);
    }

    [Fact(Timeout = Bound.Test)]
    public async Task Too_many_wrong_passwords_are_answered_with_a_wait()
    {
        await using PageProcess other = await PageProcess.StartAsync(shared.Daemon);
        string words = "";
        for (int round = 0; round < 20 && !words.StartsWith("Wait", StringComparison.Ordinal); round++)
            words = await TryAsync("nobody-here", "wrong", other);
        Assert.StartsWith("Wait before you try again", words, StringComparison.Ordinal);
    }

    [Fact(Timeout = Bound.Test)]
    public async Task The_cookie_cannot_be_read_by_scripts_and_goes_to_no_other_site()
    {
        IPage tab = await shared.SignInAsync(TestUsers.Alice);
        BrowserContextCookiesResult cookie = (await tab.Context.CookiesAsync()).Single(one => one.Name == Cookie);
        Assert.Equal(
            (true, true, SameSiteAttribute.Strict, "/", -1f),
            (cookie.HttpOnly, cookie.Secure, cookie.SameSite, cookie.Path, cookie.Expires));
        Assert.Equal(43, cookie.Value.Length);
        Assert.Equal("", await tab.EvaluateAsync<string>("document.cookie"));
    }

    [Fact(Timeout = Bound.Test)]
    public async Task After_sign_out_neither_the_cookie_nor_the_back_button_show_anything()
    {
        IPage tab = await shared.SignInAsync(TestUsers.Alice);
        BrowserContextCookiesResult cookie = (await tab.Context.CookiesAsync()).Single(one => one.Name == Cookie);
        await tab.GetByRole(AriaRole.Button, new() { Name = "Sign out" }).ClickAsync();
        await Expect(tab.GetByRole(AriaRole.Heading, new() { Name = "Sign in" })).ToBeVisibleAsync();
        await tab.GoBackAsync();
        await Expect(tab.GetByRole(AriaRole.Heading, new() { Name = "Sign in" })).ToBeVisibleAsync();
        await tab.Context.AddCookiesAsync([new()
        {
            Name = Cookie, Value = cookie.Value, Url = shared.Page.Address!.ToString().Replace("http:", "https:", StringComparison.Ordinal),
            HttpOnly = true, Secure = true,
        }]);
        await tab.GotoAsync("/");
        await Expect(tab.GetByRole(AriaRole.Heading, new() { Name = "Sign in" })).ToBeVisibleAsync();
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_session_ends_with_the_account()
    {
        IPage tab = await shared.SignInAsync(TestUsers.Bob);
        await Tool.MustAsync("chage", "-E", "0", TestUsers.Bob);
        try
        {
            await tab.GotoAsync("/");
            await Expect(tab.GetByRole(AriaRole.Heading, new() { Name = "Sign in" })).ToBeVisibleAsync();
            Assert.DoesNotContain(await tab.Context.CookiesAsync(), cookie => cookie.Name == Cookie);
        }
        finally
        {
            await Tool.MustAsync("chage", "-E", "-1", TestUsers.Bob);
        }
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_restart_of_the_page_signs_out_and_ends_the_tickets()
    {
        PageProcess page = await PageProcess.StartAsync(shared.Daemon);
        IPage tab = await shared.SignInAsync(TestUsers.Alice, page: page);
        await page.DisposeAsync();
        Assert.Contains("the page stops", page.Log, StringComparison.Ordinal);
        Assert.DoesNotContain("cannot be ended", page.Log, StringComparison.Ordinal);
        await tab.Context.CloseAsync();
    }

    [Theory(Timeout = Bound.Test)]
    [InlineData("/folder")]
    [InlineData("/rename")]
    [InlineData("/delete")]
    [InlineData("/select")]
    [InlineData("/sign-out")]
    public async Task A_form_without_the_token_of_the_session_does_nothing(string address)
    {
        await SharedPage.AsAsync(TestUsers.Alice, "mkdir -p forged && touch forged/kept");
        IPage tab = await shared.EnterAsync(TestUsers.Alice);
        IPage other = await shared.SignInAsync(TestUsers.Alice);
        string token = await other.Locator("input[name=token]").First.InputValueAsync();
        foreach (string wrong in (string[])["", "x", token])
        {
            IFormData form = tab.APIRequest.CreateFormData().Set("token", wrong)
                .Set("d", Addresses.Encode($"{SharedPage.Home(TestUsers.Alice)}/forged")).Set("n", Addresses.Encode("kept"))
                .Set("to", "moved").Set("action", "delete");
            IAPIResponse response = await tab.APIRequest.PostAsync(address, new() { Form = form });
            Assert.Equal(403, response.Status);
        }

        Assert.Equal(["kept"], Directory.GetFileSystemEntries($"{SharedPage.Home(TestUsers.Alice)}/forged").Select(Path.GetFileName));
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_client_that_has_not_signed_in_can_send_no_more_than_a_small_form()
    {
        using var http = new HttpClient { BaseAddress = shared.Page.Address };
        string[] fields = ["user", "password", "next", "token", "other"];
        foreach ((int length, HttpStatusCode status) in ((int, HttpStatusCode)[])[
            (5_000, HttpStatusCode.Forbidden), (10_000, HttpStatusCode.RequestEntityTooLarge)])
        {
            using var form = new FormUrlEncodedContent(fields.ToDictionary(field => field, _ => new string('x', length)));
            using HttpResponseMessage response = await http.PostAsync(
                new Uri("/sign-in", UriKind.Relative), form, TestContext.Current.CancellationToken);
            Assert.Equal(status, response.StatusCode);
        }
    }

    [Theory(Timeout = Bound.Test)]
    [InlineData("Sec-Fetch-Site", "cross-site")]
    [InlineData("Sec-Fetch-Site", "same-site")]
    [InlineData("Origin", "https://evil.example")]
    [InlineData("Origin", "null")]
    public async Task A_request_that_a_page_of_another_site_sends_does_nothing(string header, string value)
    {
        await SharedPage.AsAsync(TestUsers.Alice, "rm -rf crossed && mkdir crossed");
        IPage tab = await shared.EnterAsync(TestUsers.Alice);
        string token = await tab.Locator("input[name=token]").First.InputValueAsync();
        IAPIResponse response = await tab.APIRequest.PostAsync("/folder", new()
        {
            Headers = new Dictionary<string, string> { [header] = value },
            Form = tab.APIRequest.CreateFormData().Set("token", token)
                .Set("d", Addresses.Encode($"{SharedPage.Home(TestUsers.Alice)}/crossed")).Set("to", "made"),
        });
        Assert.Equal(403, response.Status);
        Assert.Empty(Directory.GetFileSystemEntries($"{SharedPage.Home(TestUsers.Alice)}/crossed"));
    }

    [Theory(Timeout = Bound.Test)]
    [InlineData("//evil.example/")]
    [InlineData("https://evil.example/")]
    [InlineData("/\\evil.example/")]
    public async Task Sign_in_leads_to_no_other_site(string next)
    {
        IPage tab = await shared.OpenAsync();
        await tab.GotoAsync($"/sign-in?next={Uri.EscapeDataString(next)}");
        await tab.GetByLabel("User").FillAsync(TestUsers.Alice);
        await tab.GetByLabel("Password").FillAsync(SharedPage.Password);
        await tab.GetByRole(AriaRole.Button, new() { Name = "Sign in" }).ClickAsync();
        await Expect(tab.Locator(".user span")).ToHaveTextAsync(TestUsers.Alice);
        Assert.Equal("localhost", new Uri(tab.Url).Host);
    }

    [Fact(Timeout = Bound.Test)]
    public async Task The_log_has_no_password_no_ticket_no_cookie_and_no_path()
    {
        await SharedPage.AsAsync(TestUsers.Alice, "mkdir -p logged-folder");
        IPage tab = await shared.SignInAsync(TestUsers.Alice);
        await tab.GotoAsync(Addresses.Folder($"{SharedPage.Home(TestUsers.Alice)}/logged-folder"));
        await tab.GotoAsync(Addresses.Folder("/root/logged-folder"));
        string cookie = (await tab.Context.CookiesAsync()).Single(one => one.Name == Cookie).Value;
        string log = shared.Page.Log;
        Assert.Contains($"{TestUsers.Alice} signed in", log, StringComparison.Ordinal);
        foreach (string secret in (string[])[SharedPage.Password, cookie, "logged-folder", Addresses.Encode("/root/logged-folder")])
            Assert.DoesNotContain(secret, log, StringComparison.Ordinal);
    }

    [Theory(Timeout = Bound.Test)]
    [InlineData("no-cors", "image")]
    [InlineData("navigate", "iframe")]
    [InlineData("cors", "empty")]
    public async Task Another_site_can_link_to_a_page_and_load_nothing_of_it(string mode, string destination)
    {
        IPage tab = await shared.EnterAsync(TestUsers.Alice);
        Assert.Equal(200, await GetAsync("navigate", "document"));
        Assert.Equal(403, await GetAsync(mode, destination));

        async Task<int> GetAsync(string how, string what) => (await tab.APIRequest.GetAsync("/files/", new()
        {
            Headers = new Dictionary<string, string>
            {
                ["Sec-Fetch-Site"] = "cross-site",
                ["Sec-Fetch-Mode"] = how,
                ["Sec-Fetch-Dest"] = what,
            },
        })).Status;
    }

    /// <summary>The daemon counts all jobs of the page as those of one caller.</summary>
    [Fact(Timeout = Bound.Test)]
    public async Task A_user_with_many_slow_downloads_in_many_sessions_still_browses_and_keeps_nobody_out()
    {
        await SharedPage.AsAsync(TestUsers.Alice, "mkdir -p slow && truncate -s 2G slow/large");
        string address = $"GET {Addresses.Of("download", $"{SharedPage.Home(TestUsers.Alice)}/slow/large")} HTTP/1.1";
        var connections = new List<TcpClient>();
        try
        {
            for (int session = 0; session < 3; session++)
            {
                IPage tab = await shared.SignInAsync(TestUsers.Alice);
                string cookie = (await tab.Context.CookiesAsync()).Single(one => one.Name == Cookie).Value;
                for (int download = 0; download < 8; download++)
                {
                    // A client that asks, and then reads nothing.
                    var connection = new TcpClient { ReceiveBufferSize = 4096 };
                    connections.Add(connection);
                    await connection.ConnectAsync("127.0.0.1", shared.Page.Address!.Port);
                    await connection.GetStream().WriteAsync(Encoding.ASCII.GetBytes(
                        $"{address}\r\nHost: localhost\r\nCookie: {Cookie}={cookie}\r\n\r\n"));
                }
            }

            UserId uid = TestUsers.Entry(TestUsers.Alice).Uid;
            await Bound.UntilAsync(() => ProcFs.OfUsers([uid]).Count >= 6, () => "the downloads do not begin");
            IPage still = await shared.SignInAsync(TestUsers.Alice);
            await still.GotoAsync(Addresses.Folder($"{SharedPage.Home(TestUsers.Alice)}/slow"));
            await Expect(still.Locator("#list a")).ToHaveTextAsync(["large"]);
            Assert.InRange(ProcFs.OfUsers([uid]).Count, 6, 7);
            await shared.SignInAsync(TestUsers.Bob);
        }
        finally
        {
            connections.ForEach(connection => connection.Dispose());
        }

        await Bound.UntilAsync(
            () => ProcFs.OfUsers([TestUsers.Entry(TestUsers.Alice).Uid]).Count == 0, () => "the downloads go on without their clients");
    }

    private async Task<string> TryAsync(string user, string password, PageProcess? page = null)
    {
        IPage tab = await shared.OpenAsync(page: page);
        await tab.GotoAsync("/sign-in");
        await tab.GetByLabel("User").FillAsync(user);
        await tab.GetByLabel("Password").FillAsync(password);
        await tab.GetByRole(AriaRole.Button, new() { Name = "Sign in" }).ClickAsync();
        string words = (await tab.GetByRole(AriaRole.Alert).TextContentAsync())!;
        await tab.Context.CloseAsync();
        return words;
    }
}
