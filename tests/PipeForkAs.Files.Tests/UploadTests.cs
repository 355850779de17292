using System.Security.Cryptography;
using Microsoft.Playwright;
using PipeForkAs.EndToEnd.Harness;
using PipeForkAs.Files.Tests.Harness;
using static Microsoft.Playwright.Assertions;

namespace PipeForkAs.Files.Tests;

/// <summary>Uploads by a real browser.</summary>
[Trait("Needs", "browser")]
[Collection(PageTestGroup.Name)]
public sealed class UploadTests(SharedPage shared) : IDisposable
{
    private const long Gibibyte = 1L << 30;
    private const long MaxGrowth = 32L << 20;

    /// <summary>Drops files as a file manager does; the script of the page gets a real DataTransfer.</summary>
    private const string Drop =
        """
        names => {
          const transfer = new DataTransfer();
          for (const name of names) transfer.items.add(new File(['content of ' + name], name));
          for (const type of ['dragenter', 'dragover', 'drop'])
            document.body.dispatchEvent(new DragEvent(type, { dataTransfer: transfer, bubbles: true, cancelable: true }));
        }
        """;

    private readonly string folder = Directory.CreateTempSubdirectory(Leftovers.OwnFolderPrefix).FullName;

    private static string Target => $"{SharedPage.Home(TestUsers.Alice)}/uploads";

    [Fact(Timeout = Bound.Test)]
    public async Task Dropped_files_are_written_as_the_user()
    {
        IPage tab = await OpenAsync();
        string[] names = ["one.txt", "<two>\u202e.txt", "drei ü.txt"];
        await tab.EvaluateAsync(Drop, names);
        await Expect(tab.Locator(".note")).ToHaveTextAsync("Uploaded: 3");
        foreach (string name in names)
        {
            Assert.Equal($"content of {name}", await File.ReadAllTextAsync($"{Target}/{name}"));
            Assert.Equal(TestUsers.Alice, (await Tool.MustAsync("stat", "-c", "%U", $"{Target}/{name}")).Trim());
        }

        Assert.Equal(3, Directory.GetFileSystemEntries(Target).Length);
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_file_is_replaced_only_after_the_user_said_so()
    {
        IPage tab = await OpenAsync();
        await SharedPage.AsAsync(TestUsers.Alice, "echo former >uploads/same.txt");
        await tab.EvaluateAsync(Drop, new[] { "same.txt" });
        await Expect(tab.Locator("#uploads")).ToContainTextAsync($"It exists already: {Target}/same.txt, as {TestUsers.Alice}");
        Assert.Equal("former\n", await File.ReadAllTextAsync($"{Target}/same.txt"));
        await tab.GetByRole(AriaRole.Button, new() { Name = "Replace same.txt" }).ClickAsync();
        await Expect(tab.Locator(".note")).ToHaveTextAsync("Uploaded: 1");
        Assert.Equal("content of same.txt", await File.ReadAllTextAsync($"{Target}/same.txt"));
    }

    [Fact(Timeout = Bound.Test)]
    public async Task An_upload_that_the_kernel_refuses_says_so_in_words()
    {
        IPage tab = await OpenAsync();
        await SharedPage.AsAsync(TestUsers.Alice, "chmod 555 uploads");
        await tab.Locator("#files").SetInputFilesAsync(Sparse("large.bin", 64 << 20));
        await Expect(tab.Locator("#uploads .problem")).ToContainTextAsync("Permission denied: ", new() { Timeout = 120_000 });
        await Expect(tab.Locator("#uploads .problem")).ToContainTextAsync($", as {TestUsers.Alice}");
        Assert.Empty(Directory.GetFileSystemEntries(Target));
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_cancelled_upload_leaves_no_file_and_no_job()
    {
        IPage tab = await OpenAsync(isShared: false);
        IBrowserContext context = tab.Context;
        ICDPSession network = await context.NewCDPSessionAsync(tab);
        await network.SendAsync("Network.enable");
        await network.SendAsync("Network.emulateNetworkConditions", new Dictionary<string, object>
        {
            ["offline"] = false,
            ["latency"] = 0,
            ["downloadThroughput"] = -1,
            ["uploadThroughput"] = 1 << 20,
        });
        await tab.Locator("#files").SetInputFilesAsync(Sparse("slow.bin", 200 << 20));
        await Bound.UntilAsync(
            () => Directory.GetFileSystemEntries(Target).Any(path => new FileInfo(path).Length > 0), () => "the upload does not begin");
        await tab.GetByRole(AriaRole.Button, new() { Name = "Cancel slow.bin" }).ClickAsync();
        await Expect(tab.Locator("#uploads .problem")).ToHaveTextAsync("cancelled");
        await Bound.UntilAsync(() => Directory.GetFileSystemEntries(Target).Length == 0, () => "the upload left a file");
        await Bound.UntilAsync(
            () => ProcFs.OfUsers([TestUsers.Entry(TestUsers.Alice).Uid]).Count == 0, () => "the job goes on without its client");
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_gibibyte_passes_through_without_being_kept_in_memory()
    {
        string file = Sparse("gibibyte.bin", Gibibyte);
        await using (FileStream content = File.OpenWrite(file))
        {
            // Not all zero, so that what arrives can be compared.
            for (long offset = 0; offset < Gibibyte; offset += 64 << 20)
            {
                content.Position = offset;
                await content.WriteAsync(RandomNumberGenerator.GetBytes(4096));
            }
        }

        IPage tab = await OpenAsync();
        await tab.EvaluateAsync(Drop, new[] { "warm.txt" });
        await Expect(tab.Locator(".note")).ToHaveTextAsync("Uploaded: 1");

        await tab.GotoAsync(Addresses.Folder(Target));
        long before = PageProcess.Pss(shared.Page.Pid), most = before;
        using var stop = new CancellationTokenSource();
        Task sampled = Task.Run(async () =>
        {
            while (!stop.IsCancellationRequested)
            {
                most = Math.Max(most, PageProcess.Pss(shared.Page.Pid));
                await Task.Delay(20);
            }
        });
        long started = TimeProvider.System.GetTimestamp();
        await tab.Locator("#files").SetInputFilesAsync(file);
        await Expect(tab.Locator(".note")).ToHaveTextAsync("Uploaded: 1", new() { Timeout = 300_000 });
        TimeSpan time = TimeProvider.System.GetElapsedTime(started);
        await stop.CancelAsync();
        await sampled;
        Console.WriteLine(FormattableString.Invariant(
            $"measured: upload of 1 GiB: the page's memory (Pss) grew from {before >> 10} to {most >> 10} KiB; {time.TotalSeconds:0.0} s"));
        Assert.InRange(most - before, 0, MaxGrowth);
        Assert.Equal(await DigestAsync(file), await DigestAsync($"{Target}/gibibyte.bin"));
        await SharedPage.AsAsync(TestUsers.Alice, "rm uploads/gibibyte.bin");
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_dropped_folder_is_not_mistaken_for_a_file()
    {
        IPage tab = await OpenAsync();
        await tab.EvaluateAsync(
            """
            () => {
              const transfer = new DataTransfer();
              transfer.items.add(new File([''], 'folder'));
              const items = [{ webkitGetAsEntry: () => ({ isDirectory: true }) }];
              const event = new DragEvent('drop', { bubbles: true, cancelable: true });
              Object.defineProperty(event, 'dataTransfer', { value: { types: ['Files'], files: transfer.files, items } });
              document.body.dispatchEvent(event);
            }
            """);
        await Expect(tab.Locator("#uploads .problem")).ToHaveTextAsync("A folder cannot be uploaded");
        Assert.Empty(Directory.GetFileSystemEntries(Target));
    }

    [Fact(Timeout = Bound.Test)]
    public async Task The_page_stays_after_a_failed_upload_and_leads_to_the_uploaded_files()
    {
        IPage tab = await OpenAsync();
        await SharedPage.AsAsync(TestUsers.Alice, "mkdir uploads/taken");
        await tab.EvaluateAsync(Drop, new[] { "taken", "free" });
        if (Environment.GetEnvironmentVariable("PIPEFORKAS_PICTURE") is { Length: > 0 } file)
            await tab.ScreenshotAsync(new() { Path = Path.ChangeExtension(file, "uploads.png") });
        await Expect(tab.Locator("#uploads .problem")).ToHaveTextAsync($"It is a folder: {Target}/taken, as {TestUsers.Alice}");
        Assert.Equal(0, await tab.GetByRole(AriaRole.Button, new() { Name = "Replace taken" }).CountAsync());
        await tab.GetByRole(AriaRole.Link, new() { Name = "Show the uploaded files (1)" }).ClickAsync();
        await Expect(tab.Locator("#list a")).ToHaveTextAsync(["taken", "free"]);
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private async Task<IPage> OpenAsync(bool isShared = true)
    {
        await SharedPage.AsAsync(TestUsers.Alice, "chmod -f 755 uploads; rm -rf uploads && mkdir uploads");
        IPage tab = isShared ? await shared.EnterAsync(TestUsers.Alice) : await shared.SignInAsync(TestUsers.Alice);
        await tab.GotoAsync(Addresses.Folder(Target));
        return tab;
    }

    private string Sparse(string name, long size)
    {
        string file = Path.Combine(folder, name);
        using FileStream made = File.Create(file);
        made.SetLength(size);
        return file;
    }

    private static async Task<string> DigestAsync(string file)
    {
        await using FileStream content = File.OpenRead(file);
        return Convert.ToHexString(await SHA256.HashDataAsync(content));
    }
}
