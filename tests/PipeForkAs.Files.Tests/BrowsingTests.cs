using System.Text;
using Microsoft.Playwright;
using PipeForkAs.EndToEnd.Harness;
using PipeForkAs.Files.Tests.Harness;
using static Microsoft.Playwright.Assertions;

namespace PipeForkAs.Files.Tests;

/// <summary>Folders, previews and refusals, in a real browser.</summary>
[Trait("Needs", "browser")]
[Collection(PageTestGroup.Name)]
public sealed class BrowsingTests(SharedPage shared)
{
    private static string AliceHome => SharedPage.Home(TestUsers.Alice);

    private static string BobHome => SharedPage.Home(TestUsers.Bob);

    [Fact(Timeout = Bound.Test)]
    public async Task Two_users_are_signed_in_at_once_each_in_their_own_files()
    {
        await SharedPage.AsAsync(TestUsers.Alice, "mkdir -p two && echo of alice >two/mine");
        await SharedPage.AsAsync(TestUsers.Bob, "mkdir -p two && echo of bob >two/mine");
        IPage alice = await shared.SignInAsync(TestUsers.Alice), bob = await shared.SignInAsync(TestUsers.Bob);
        foreach ((IPage tab, string name, string words) in ((IPage, string, string)[])[
            (alice, TestUsers.Alice, "of alice"), (bob, TestUsers.Bob, "of bob"), (alice, TestUsers.Alice, "of alice")])
        {
            await tab.GotoAsync("/");
            await tab.GetByRole(AriaRole.Link, new() { Name = "two", Exact = true }).ClickAsync();
            await tab.GetByRole(AriaRole.Link, new() { Name = "mine", Exact = true }).ClickAsync();
            await Expect(tab.Locator("pre")).ToHaveTextAsync($"{words}\n");
            await Expect(tab.Locator(".trail")).ToContainTextAsync(name);
        }
    }

    /// <summary>PIPEFORKAS_PICTURE names the file for the picture of README; beside it come a dark one and one of a phone's width.
    /// </summary>
    [Fact(Timeout = Bound.Test)]
    public async Task The_page_of_a_folder_has_its_picture_taken()
    {
        await SharedPage.AsAsync(
            TestUsers.Alice,
            "mkdir -p Documents/letters Documents/taxes && cd Documents && seq 1000 >figures.txt && echo hello >'a \"quoted\" name.txt' "
            + "&& head -c 300000 /dev/zero >backup.tar && ln -sf figures.txt latest");
        IPage tab = await shared.SignInAsync(TestUsers.Alice);
        await tab.SetViewportSizeAsync(1000, 560);
        await tab.GetByRole(AriaRole.Link, new() { Name = "Documents", Exact = true }).ClickAsync();
        await Expect(tab.GetByRole(AriaRole.Link, new() { Name = "latest" })).ToBeVisibleAsync();
        byte[] picture = await tab.ScreenshotAsync();
        Assert.Equal([0x89, (byte)'P', (byte)'N', (byte)'G'], picture[..4]);
        if (Environment.GetEnvironmentVariable("PIPEFORKAS_PICTURE") is not { Length: > 0 } file)
            return;
        await File.WriteAllBytesAsync(file, picture);
        await tab.EmulateMediaAsync(new() { ColorScheme = ColorScheme.Dark });
        await tab.ScreenshotAsync(new() { Path = Path.ChangeExtension(file, "dark.png") });
        await tab.SetViewportSizeAsync(360, 740);
        await tab.ScreenshotAsync(new() { Path = Path.ChangeExtension(file, "phone.png") });
    }

    /// <summary>Each way from OWASP's list of path traversal that a URL can have. The kernel answers, and the page says what.</summary>
    [Theory(Timeout = Bound.Test)]
    [InlineData("/files/?path={bob}", "Permission denied")]
    [InlineData("/files/?path={alice}/../{bobname}", "Permission denied")]
    [InlineData("/files/?path={alice}/../../../../../../..{bob}", "Permission denied")]
    [InlineData("/files/?path={alice}%2f..%2f{bobname}", "Permission denied")]
    [InlineData("/files/?path=%2e%2e/{bobname}", "Permission denied")]
    [InlineData("/files/?path=..%2F{bobname}%2F", "Permission denied")]
    [InlineData("/files/?path={alice}/.//..///{bobname}/.", "Permission denied")]
    [InlineData("/files/?path={alice}/%252e%252e/{bobname}", "No such file or folder")]
    [InlineData("/files/?path={alice}/..%255c{bobname}", "No such file or folder")]
    [InlineData("/files/?path={alice}/..%c0%af{bobname}", "No such file or folder")]
    [InlineData("/files/?path={alice}/..%5c{bobname}", "No such file or folder")]
    [InlineData("/files/?path={alice}/....//{bobname}", "No such file or folder")]
    [InlineData("/files/?path=/proc/self/root{bob}", "Permission denied")]
    [InlineData("/files/?path=/proc/self/cwd/../{bobname}", "No such file or folder")]
    [InlineData("/files/?path={alice}/traversal-link", "Permission denied")]
    [InlineData("/files/{64:bob}/", "Permission denied")]
    [InlineData("/files/{64:alice}/{64:..}/{64:bobname}/", "Permission denied")]
    [InlineData("/files/{64:alice}/{64:../../}/{64:bob}/", "Permission denied")]
    [InlineData("/files/{64:alice}/{64:traversal-link}/", "Permission denied")]
    [InlineData("/files/{64:alice}/{64:traversal-link}/{64:secret}", "Permission denied")]
    [InlineData("/files/{64:bob}/{64:secret}", "Permission denied")]
    [InlineData("/download/{64:bob}/{64:secret}", "Permission denied")]
    [InlineData("/download/{64:alice}/{64:traversal-link}/{64:secret}", "Permission denied")]
    [InlineData("/image/{64:bob}/{64:secret}", "Permission denied")]
    [InlineData("/archive/{64:bob}", "Permission denied")]
    [InlineData("/archive/{64:alice}/{64:../}/{64:bobname}", "Permission denied")]
    [InlineData("/files/../../..{bob}/", "There is no such page")]
    [InlineData("/files/..%2f..%2f..{bob}/", "The address has no valid path")]
    [InlineData("/files/{64:alice\0}/", "The address has no valid path")]
    public async Task The_kernel_refuses_the_files_of_others_and_the_page_says_so(string address, string words)
    {
        await SharedPage.AsAsync(TestUsers.Alice, $"ln -sfn {BobHome} traversal-link");
        await SharedPage.AsAsync(TestUsers.Bob, "echo of bob >secret");
        IPage tab = await shared.EnterAsync(TestUsers.Alice);
        IResponse? response = await tab.GotoAsync(Expand(address));
        await Expect(tab.GetByRole(AriaRole.Alert)).ToContainTextAsync(words);
        Assert.Equal(words switch { "Permission denied" => 403, "The address has no valid path" => 400, _ => 404 }, response!.Status);
        if (response.Status == 403)
            await Expect(tab.GetByRole(AriaRole.Alert)).ToContainTextAsync($", as {TestUsers.Alice}");
        Assert.DoesNotContain("of bob", await tab.ContentAsync(), StringComparison.Ordinal);
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_refusal_names_the_path_and_the_user()
    {
        IPage tab = await shared.EnterAsync(TestUsers.Alice);
        await tab.GotoAsync(Addresses.Folder(BobHome));
        await Expect(tab.GetByRole(AriaRole.Alert)).ToHaveTextAsync($"Permission denied: {BobHome}, as {TestUsers.Alice}");
    }

    [Fact(Timeout = Bound.Test)]
    public async Task Names_of_all_bytes_are_shown_opened_downloaded_renamed_and_deleted()
    {
        await SharedPage.AsAsync(
            TestUsers.Alice,
            """
            rm -rf odd && mkdir odd && cd odd && for name in 'quo"te' "a'b" $'new\nline' '<img src=x onerror=window.bad=1>' \
            $'rtl\u202egpj.exe' $'bad\xff\xfeutf8' '&amp;' '?query#hash%2e' ' lead' $'tab\there' 'שלום' '-rf' '~' '${x}' '*'; do
            printf 'content of %q' "$name" >"./$name"; done
            """);
        string[] shown =
        [
            "quo\"te", "a'b", "new\\nline", "<img src=x onerror=window.bad=1>", "rtl\\u202egpj.exe", "bad\\xff\\xfeutf8", "&amp;",
            "?query#hash%2e", " lead", "tab\\there", "שלום", "-rf", "~", "${x}", "*",
        ];
        IPage tab = await shared.EnterAsync(TestUsers.Alice);
        await tab.GotoAsync(Addresses.Folder($"{AliceHome}/odd"));
        IReadOnlyList<string> names = await tab.Locator("#list a").AllTextContentsAsync();
        Assert.Equal(shown.Order(StringComparer.Ordinal), names.Order(StringComparer.Ordinal));
        for (int index = 0; index < names.Count; index++)
        {
            await tab.Locator("#list a").Nth(index).ClickAsync();
            await Expect(tab.Locator("pre")).ToContainTextAsync("content of ");
            IDownload download = await tab.RunAndWaitForDownloadAsync(() => tab.GetByText("Download", new() { Exact = true }).ClickAsync());
            string content = await File.ReadAllTextAsync(await download.PathAsync());
            Assert.StartsWith("content of ", content, StringComparison.Ordinal);
            Assert.DoesNotContain('\u202e', download.SuggestedFilename);
            await tab.GoBackAsync();
        }

        for (int index = 0; index < shown.Length; index++)
        {
            await tab.Locator("#list input").First.CheckAsync();
            await tab.GetByRole(AriaRole.Button, new() { Name = "Rename" }).ClickAsync();
            await tab.GetByLabel("New name").FillAsync($"語-{index}");
            await tab.GetByRole(AriaRole.Button, new() { Name = "Rename" }).ClickAsync();
            await Expect(tab.Locator(".note")).ToHaveTextAsync("Renamed");
        }

        Assert.Equal(shown.Length, Directory.GetFiles($"{AliceHome}/odd", "語-*").Length);
        Assert.Null(await tab.EvaluateAsync<int?>("window.bad ?? null"));
    }

    [Fact(Timeout = Bound.Test)]
    public async Task Entries_with_odd_names_are_deleted_after_a_confirmation()
    {
        await SharedPage.AsAsync(TestUsers.Alice, @"rm -rf away && mkdir -p away/$'fo\xffl\nder'/deep && touch away/$'\xfe' away/kept");
        IPage tab = await shared.EnterAsync(TestUsers.Alice);
        await tab.GotoAsync(Addresses.Folder($"{AliceHome}/away"));
        foreach (string name in (string[])["fo\\xffl\\nder", "\\xfe"])
            await tab.GetByLabel(name, new() { Exact = true }).CheckAsync();
        await tab.GetByRole(AriaRole.Button, new() { Name = "Delete" }).ClickAsync();
        await Expect(tab.Locator(".names")).ToContainTextAsync("fo\\xffl\\nder");
        Assert.Equal(3, Directory.GetFileSystemEntries($"{AliceHome}/away").Length);
        await tab.GetByRole(AriaRole.Button, new() { Name = "Delete" }).ClickAsync();
        await Expect(tab.Locator(".note")).ToHaveTextAsync("Deleted: 2");
        Assert.Equal(["kept"], Directory.GetFileSystemEntries($"{AliceHome}/away").Select(Path.GetFileName));
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_folder_is_created_and_a_name_that_exists_is_not_replaced()
    {
        await SharedPage.AsAsync(TestUsers.Alice, "rm -rf made && mkdir made && echo one >made/one && echo two >made/two");
        IPage tab = await shared.EnterAsync(TestUsers.Alice);
        await tab.GotoAsync(Addresses.Folder($"{AliceHome}/made"));
        await tab.GetByLabel("New folder").FillAsync("<b>new");
        await tab.GetByRole(AriaRole.Button, new() { Name = "Create" }).ClickAsync();
        await Expect(tab.Locator(".note")).ToHaveTextAsync("Created");
        await Expect(tab.Locator("#list a").First).ToHaveTextAsync("<b>new");
        await tab.GetByLabel("one", new() { Exact = true }).CheckAsync();
        await tab.GetByRole(AriaRole.Button, new() { Name = "Rename" }).ClickAsync();
        await tab.GetByLabel("New name").FillAsync("two");
        await tab.GetByRole(AriaRole.Button, new() { Name = "Rename" }).ClickAsync();
        await Expect(tab.GetByRole(AriaRole.Alert)).ToContainTextAsync("It exists already");
        Assert.Equal("two\n", await File.ReadAllTextAsync($"{AliceHome}/made/two"));
    }

    [Fact(Timeout = Bound.Test)]
    public async Task Entries_are_sorted_by_name_size_and_time_folders_first()
    {
        await SharedPage.AsAsync(
            TestUsers.Alice,
            "rm -rf sorted && mkdir -p sorted/folder && cd sorted && head -c 300 /dev/zero >a && head -c 100 /dev/zero >B && "
            + "head -c 200 /dev/zero >c && touch -d 2020-01-01 c && touch -d 2021-01-01 a && touch -d 2022-01-01 B");
        IPage tab = await shared.EnterAsync(TestUsers.Alice);
        await tab.GotoAsync(Addresses.Folder($"{AliceHome}/sorted"));
        Assert.Equal(["folder", "a", "B", "c"], await tab.Locator("#list a").AllTextContentsAsync());
        foreach ((string head, string[] order) in ((string, string[])[])[
            ("Size", ["folder", "B", "c", "a"]), ("Size", ["folder", "a", "c", "B"]), ("Changed (UTC)", ["folder", "c", "a", "B"]),
            ("Name", ["folder", "a", "B", "c"]), ("Name", ["folder", "c", "B", "a"])])
        {
            await tab.GetByRole(AriaRole.Link, new() { Name = head }).ClickAsync();
            Assert.Equal(order, await tab.Locator("#list a").AllTextContentsAsync());
        }
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_typed_path_with_slashes_at_its_end_has_the_name_of_its_folder()
    {
        IPage tab = await shared.EnterAsync(TestUsers.Alice);
        await tab.GotoAsync("/files/?path=/usr/share//");
        await Expect(tab.Locator("h1")).ToHaveTextAsync("share");
        await tab.GotoAsync("/files/?path=/etc/passwd");
        await Expect(tab.Locator("pre")).ToContainTextAsync("root:");
    }

    private static string Expand(string address)
    {
        foreach ((string name, string value) in ((string, string)[])[
            ("bobname", Path.GetFileName(BobHome)), ("alice", AliceHome), ("bob", BobHome)])
        {
            address = address.Replace($"{{{name}}}", value, StringComparison.Ordinal);
            address = address.Replace($"{{64:{name}}}", Addresses.Encode(value), StringComparison.Ordinal);
        }

        address = address.Replace("{64:alice\0}", Addresses.Encode($"{AliceHome}\0/x"), StringComparison.Ordinal);
        foreach (string part in (string[])["..", "../", "../../", "traversal-link", "secret"])
            address = address.Replace($"{{64:{part}}}", Addresses.Encode(part), StringComparison.Ordinal);
        return address;
    }
}
