using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using PipeForkAs.EndToEnd.Harness;
using PipeForkAs.Files.Tests.Harness;

namespace PipeForkAs.Files.Tests;

/// <summary>A daemon whose policy lets the page act for everybody of a group, as a page behind an authenticating proxy needs.</summary>
[Trait("Needs", "browser")]
[Collection(PageTestGroup.Name)]
public sealed class ProxyTests
{
    private const string Proxy = "www-data";

    [Fact(Timeout = Bound.Test)]
    public async Task A_header_is_believed_only_from_the_account_of_the_proxy_on_a_Unix_socket()
    {
        await using DaemonProcess daemon = await DaemonProcess.StartAsync(configuration =>
        {
            configuration["JobHosts"] = new JsonArray(new JsonObject { ["Path"] = NativeBuild.StockJobs, ["Workers"] = 2 });
            configuration["Policy"] = new JsonObject
            {
                ["Rules"] = new JsonArray(
                    new JsonObject
                    {
                        ["Name"] = "page behind a proxy",
                        ["Callers"] = new JsonArray(PageProcess.Uid),
                        ["Jobs"] = new JsonArray("list-directory", "stat"),
                        ["As"] = new JsonArray($"@{TestUsers.Group}"),
                    }),
            };
        });
        var proxy = new JsonObject { ["User"] = Proxy, ["Header"] = "X-Remote-User" };
        (PageProcess page, string socket) = await PageProcess.StartOnSocketAsync(daemon, options => options["Proxy"] = proxy.DeepClone());
        await using PageProcess ended = page;

        string folder = Addresses.Folder(SharedPage.Home(TestUsers.Alice));
        Assert.Contains($"<span>{TestUsers.Alice}</span>", await GetAsync(Proxy, $"X-Remote-User: {TestUsers.Alice}"));
        Assert.StartsWith("HTTP/1.1 200", await GetAsync(Proxy, $"X-Remote-User: {TestUsers.Alice}"));

        // Another account, root included; no name, two names, a uid, a user outside the group.
        foreach ((string account, string header) in ((string, string)[])[
            ("nobody", $"X-Remote-User: {TestUsers.Alice}"), ("root", $"X-Remote-User: {TestUsers.Alice}"),
            (Proxy, "X-Other: 1"), (Proxy, $"X-Remote-User: {TestUsers.Alice}\r\nX-Remote-User: {TestUsers.Bob}"),
            (Proxy, $"X-Remote-User: {TestUsers.AliceUid}"), (Proxy, "X-Remote-User: 0"), (Proxy, $"X-Remote-User: {TestUsers.Bob}"),
            (Proxy, "X-Remote-User: root")])
            Assert.StartsWith("HTTP/1.1 403", await GetAsync(account, header));
        Assert.StartsWith("HTTP/1.1 404", await GetAsync(Proxy, $"X-Remote-User: {TestUsers.Alice}", "/sign-in"));

        // The header is all that counts: there is no cookie, which another site could replace by requests without it.
        Assert.DoesNotContain("Set-Cookie", await GetAsync(Proxy, $"X-Remote-User: {TestUsers.Alice}"));

        // What a page of another site loads, frames or opens, with the proxy's header as with any request of the browser.
        foreach ((string kind, string mode, string to) in ((string, string, string)[])[
            ("files", "no-cors", "image"), ("files", "navigate", "iframe"), ("download", "navigate", "document")])
        {
            string address = kind == "files" ? folder : Addresses.Of(kind, SharedPage.Home(TestUsers.Alice));
            Assert.Contains("The request comes from another site", await GetAsync(Proxy, Foreign(mode, to), address));
        }

        Assert.StartsWith("HTTP/1.1 200", await GetAsync(Proxy, Foreign("navigate", "document")));

        static string Foreign(string mode, string to) =>
            $"X-Remote-User: {TestUsers.Alice}\r\nSec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: {mode}\r\nSec-Fetch-Dest: {to}";

        async Task<string> GetAsync(string account, string header, string? address = null)
        {
            string request = $"GET {address ?? folder} HTTP/1.1\r\nHost: files.example\r\nConnection: close\r\n{header}\r\n\r\n";
            return (await Tool.RunAsync(
                ["setpriv", "--reuid", account, "--clear-groups", "nc", "-U", socket], Encoding.UTF8.GetBytes(request))).Text;
        }
    }

    [Fact(Timeout = Bound.Test)]
    public async Task On_loopback_no_header_is_believed()
    {
        await using DaemonProcess daemon = await DaemonProcess.StartAsync();
        await using PageProcess page = await PageProcess.StartAsync(
            daemon, options => options["Proxy"] = new JsonObject { ["User"] = "root" });
        using var http = new HttpClient { BaseAddress = page.Address };
        http.DefaultRequestHeaders.Add("X-Remote-User", TestUsers.Alice);
        Assert.Equal(403, (int)(await http.GetAsync(new Uri("/", UriKind.Relative))).StatusCode);
    }
}
