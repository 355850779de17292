using System.Text;
using System.Text.RegularExpressions;
using Microsoft.Playwright;
using PipeForkAs.EndToEnd.Harness;
using PipeForkAs.Files.Tests.Harness;
using static Microsoft.Playwright.Assertions;

namespace PipeForkAs.Files.Tests;

/// <summary>Files of users are never pages of this site: what a browser does with hostile ones.</summary>
[Trait("Needs", "browser")]
[Collection(PageTestGroup.Name)]
public sealed class UserContentTests(SharedPage shared)
{
    private const string Svg = """<svg xmlns="http://www.w3.org/2000/svg"><script>window.top.bad = 1</script></svg>""";

    private static readonly byte[] Png = Convert.FromBase64String(
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==");

    private static string Home => SharedPage.Home(TestUsers.Alice);

    [Fact(Timeout = Bound.Test)]
    public async Task A_hostile_page_of_a_user_is_shown_as_text_and_sent_as_a_download()
    {
        await SharedPage.AsAsync(TestUsers.Alice, "mkdir -p evil && echo '<script>window.bad = 1</script>' >evil/page.html");
        IPage tab = await shared.EnterAsync(TestUsers.Alice);
        await tab.GotoAsync(Addresses.File($"{Home}/evil/page.html"));
        await Expect(tab.Locator("pre")).ToContainTextAsync("<script>window.bad = 1</script>");
        Assert.Null(await tab.EvaluateAsync<int?>("window.bad ?? null"));
        IDownload download = await tab.RunAndWaitForDownloadAsync(
            () => tab.EvaluateAsync($"location.assign('{Addresses.Of("download", $"{Home}/evil/page.html")}')"));
        Assert.Equal("page.html", download.SuggestedFilename);
    }

    [Theory(Timeout = Bound.Test)]
    [InlineData("page.html", "download")]
    [InlineData("image.svg", "download")]
    [InlineData("image.png", "download")]
    [InlineData("image.png", "image")]
    [InlineData("fake.png", "download")]
    public async Task Each_response_with_bytes_of_a_user_is_a_sandboxed_download(string name, string kind)
    {
        await WriteAsync();
        IPage tab = await shared.EnterAsync(TestUsers.Alice);
        IAPIResponse response = await tab.APIRequest.GetAsync(Addresses.Of(kind, $"{Home}/content/{name}"));
        Assert.Equal(200, response.Status);
        Assert.Equal(kind == "image" ? "image/png" : "application/octet-stream", response.Headers["content-type"]);
        Assert.Equal("default-src 'none'; sandbox", response.Headers["content-security-policy"]);
        Assert.Equal("nosniff", response.Headers["x-content-type-options"]);
        Assert.Equal("same-origin", response.Headers["cross-origin-resource-policy"]);
        Assert.StartsWith("attachment; filename=", response.Headers["content-disposition"], StringComparison.Ordinal);
    }

    [Theory(Timeout = Bound.Test)]
    [InlineData("image.svg")]
    [InlineData("page.html")]
    [InlineData("fake.png")]
    public async Task Only_images_of_safe_types_are_sent_as_images(string name)
    {
        await WriteAsync();
        IPage tab = await shared.EnterAsync(TestUsers.Alice);
        IAPIResponse response = await tab.APIRequest.GetAsync(Addresses.Of("image", $"{Home}/content/{name}"));
        Assert.Equal((415, "text/html; charset=utf-8"), (response.Status, response.Headers["content-type"]));
        await tab.GotoAsync(Addresses.File($"{Home}/content/{name}"));
        Assert.Equal(0, await tab.Locator("img").CountAsync());
        Assert.Null(await tab.EvaluateAsync<int?>("window.bad ?? null"));
    }

    [Fact(Timeout = Bound.Test)]
    public async Task An_image_is_previewed()
    {
        await WriteAsync();
        IPage tab = await shared.EnterAsync(TestUsers.Alice);
        await tab.GotoAsync(Addresses.File($"{Home}/content/image.png"));
        Assert.Equal(1, await tab.Locator("img.preview").EvaluateAsync<int>("image => image.decode().then(() => image.naturalWidth)"));
    }

    [Fact(Timeout = Bound.Test)]
    public async Task Each_page_forbids_inline_scripts_and_has_none()
    {
        await WriteAsync();
        IPage tab = await shared.EnterAsync(TestUsers.Alice);
        foreach (string address in (string[])["/files/", Addresses.File($"{Home}/content/page.html"), "/nothing", "/sign-in?next=/x"])
        {
            IResponse response = (await tab.GotoAsync(address))!;
            string policy = response.Headers["content-security-policy"];
            Assert.StartsWith("default-src 'none'; style-src 'self'; script-src 'self';", policy, StringComparison.Ordinal);
            Assert.DoesNotContain("unsafe", policy, StringComparison.Ordinal);
            Assert.Equal(0, await tab.Locator("script:not([src]), style, [style], [onclick], [onload]").CountAsync());
        }
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_part_of_a_file_is_downloaded_by_its_range()
    {
        await SharedPage.AsAsync(TestUsers.Alice, "mkdir -p content && seq 100000 >content/numbers");
        byte[] all = await File.ReadAllBytesAsync($"{Home}/content/numbers");
        IPage tab = await shared.EnterAsync(TestUsers.Alice);
        string address = Addresses.Of("download", $"{Home}/content/numbers");
        IAPIResponse whole = await tab.APIRequest.GetAsync(address);
        Assert.Equal(all, await whole.BodyAsync());
        Assert.Equal("bytes", whole.Headers["accept-ranges"]);
        foreach ((string range, int status, byte[] part) in ((string, int, byte[])[])[
            ("bytes=0-0", 206, all[..1]), ("bytes=1000-1999", 206, all[1000..2000]), ("bytes=500000-", 206, all[500000..]),
            ("bytes=-10", 206, all[^10..]), ("bytes=0-1,5-6", 200, all), ("lines=0-1", 200, all)])
        {
            IAPIResponse response = await GetAsync(range, whole.Headers["etag"]);
            Assert.Equal(status, response.Status);
            Assert.Equal(part, await response.BodyAsync());
        }

        Assert.Equal(416, (await GetAsync("bytes=99999999-", whole.Headers["etag"])).Status);
        Assert.Equal(200, (await GetAsync("bytes=0-0", "\"other\"")).Status);

        Task<IAPIResponse> GetAsync(string range, string version) => tab.APIRequest.GetAsync(
            address, new() { Headers = new Dictionary<string, string> { ["Range"] = range, ["If-Range"] = version } });
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_folder_is_downloaded_as_a_tar_with_its_names_byte_for_byte()
    {
        await SharedPage.AsAsync(
            TestUsers.Alice,
            @"rm -rf packed && mkdir -p packed/sub && echo 1 >packed/sub/$'\xff<a>' && ln -s sub packed/link && seq 200000 >packed/n");
        IPage tab = await shared.EnterAsync(TestUsers.Alice);
        await tab.GotoAsync(Addresses.Folder($"{Home}/packed"));
        IDownload download = await tab.RunAndWaitForDownloadAsync(
            () => tab.GetByRole(AriaRole.Link, new() { Name = "Download folder" }).ClickAsync());
        Assert.Equal("packed.tar", download.SuggestedFilename);
        string target = Directory.CreateTempSubdirectory(Leftovers.OwnFolderPrefix).FullName;
        await Tool.MustAsync("tar", "-xf", await download.PathAsync(), "-C", target);
        string list = "find . -mindepth 1 -printf '%y %s %P %l\\n' | grep -v '^d' | sort; cat n | sha256sum";
        string root = Directory.Exists($"{target}/packed") ? $"{target}/packed" : target;
        Assert.Equal(
            await Tool.MustAsync("sh", "-c", $"cd {Home}/packed && {list}"), await Tool.MustAsync("sh", "-c", $"cd {root} && {list}"));
        await Tool.MustAsync("rm", "-r", target);
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_text_that_begins_with_empty_lines_is_shown_with_them()
    {
        await SharedPage.AsAsync(TestUsers.Alice, "mkdir -p content && printf '\\n\\ntext\\n' >content/empty-lines");
        IPage tab = await shared.SignInAsync(TestUsers.Alice);
        await tab.GotoAsync(Addresses.File($"{Home}/content/empty-lines"));
        Assert.Equal("\n\ntext\n", await tab.Locator("pre").TextContentAsync());
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_large_text_is_previewed_by_its_start()
    {
        await SharedPage.AsAsync(TestUsers.Alice, "mkdir -p content && yes 'äöü' | head -c 300000 >content/long");
        IPage tab = await shared.EnterAsync(TestUsers.Alice);
        await tab.GotoAsync(Addresses.File($"{Home}/content/long"));
        string text = (await tab.Locator("pre").TextContentAsync())!;
        Assert.InRange(Encoding.UTF8.GetByteCount(text), Pages.Preview.MaxBytes - 3, Pages.Preview.MaxBytes);
        await Expect(tab.GetByText("These are the first 64.0 KiB")).ToBeVisibleAsync();
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_folder_with_an_unreadable_file_is_a_failed_download_and_the_next_page_says_why()
    {
        await SharedPage.AsAsync(
            TestUsers.Alice, "rm -rf partly && mkdir partly && cd partly && seq 100000 >a && echo x >b && chmod 0 b");
        IPage tab = await shared.EnterAsync(TestUsers.Alice);
        await tab.GotoAsync(Addresses.Folder($"{Home}/partly"));
        IDownload download = await tab.RunAndWaitForDownloadAsync(
            () => tab.GetByRole(AriaRole.Link, new() { Name = "Download folder" }).ClickAsync());
        Assert.NotNull(await download.FailureAsync());
        await tab.ReloadAsync();
        await Expect(tab.GetByRole(AriaRole.Alert)).ToHaveTextAsync(new Regex(
            $"^The last download is not complete. Some files in it cannot be read: {Home}/partly, as .*b: Cannot open: Permission denied"));
        await tab.ReloadAsync();
        Assert.Equal(0, await tab.GetByRole(AriaRole.Alert).CountAsync());
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_file_of_the_kernel_without_a_size_is_downloaded_whole()
    {
        IPage tab = await shared.EnterAsync(TestUsers.Alice);
        IAPIResponse response = await tab.APIRequest.GetAsync(Addresses.Of("download", "/proc/version"));
        Assert.Equal(await File.ReadAllBytesAsync("/proc/version"), await response.BodyAsync());
    }

    private static async Task WriteAsync()
    {
        await SharedPage.AsAsync(TestUsers.Alice, "mkdir -p content");
        foreach ((string name, byte[] bytes) in ((string, byte[])[])[
            ("image.svg", Encoding.UTF8.GetBytes(Svg)), ("fake.png", Encoding.UTF8.GetBytes(Svg)), ("image.png", Png),
            ("page.html", Encoding.UTF8.GetBytes("<script>window.bad = 1</script>"))])
            await File.WriteAllBytesAsync($"{Home}/content/{name}", bytes);
    }
}
