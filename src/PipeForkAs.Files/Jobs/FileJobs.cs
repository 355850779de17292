using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using PipeForkAs.Files.Paths;

namespace PipeForkAs.Files.Jobs;

/// <summary>The jobs that work with files. They run as the account; the kernel decides what it may do.</summary>
internal sealed class FileJobs(IPipeForkAsClient client, ListingMemory memory)
{
    private const int MaxReplyBytes = 64 * 1024;

    /// <summary>Lists a folder.</summary>
    public async Task<Listing> ListAsync(Account account, BytePath path, CancellationToken cancellation)
    {
#pragma warning disable CA2000 // The listing owns it.
        ListingMemory.Share share = memory.Take(account);
#pragma warning restore CA2000
        try
        {
            ListingResult result = await ReadListingAsync(account, path, share, cancellation);
            BytePath shown = BytePath.TryOfResult(result.Path, result.PathBytes, out BytePath? absolute) ? absolute : path;
            return new Listing(shown.WithoutSlash(), [.. result.Entries.Select(entry => new Entry(entry))], share);
        }
        catch
        {
            share.Dispose();
            throw;
        }
    }

    /// <summary>Inspects a file, or the target of a link.</summary>
    public async Task<Entry> InspectAsync(Account account, BytePath path, CancellationToken cancellation) => new(await AskAsync(
        account, "stat", path, new(path.Base64, FollowLink: true), JobJson.Default.EntryResult, cancellation));

    /// <summary>Inspects what exists, a link itself; null if nothing does. A user who may not know gets the kernel's refusal.</summary>
    public async Task<Entry?> FindAsync(Account account, BytePath path, CancellationToken cancellation)
    {
        try
        {
            return new(await AskAsync(account, "stat", path, new(path.Base64), JobJson.Default.EntryResult, cancellation));
        }
        catch (FileProblem problem) when (problem.Kind == "not-found")
        {
            return null;
        }
    }

    /// <summary>Opens a part of a file.</summary>
    public Task<JobDownload> ReadAsync(Account account, BytePath path, long offset, long? length, CancellationToken cancellation) =>
        OpenAsync(account, "read-file", path, new(path.Base64, Offset: offset, Length: length), cancellation);

    /// <summary>Opens a folder as an archive.</summary>
    public Task<JobDownload> ArchiveAsync(Account account, BytePath path, CancellationToken cancellation) =>
        OpenAsync(account, "archive-directory", path, new(path.Base64), cancellation);

    /// <summary>Writes a file from a stream. The job writes nothing if fewer or more bytes come than announced.</summary>
    public async Task WriteAsync(Account account, BytePath path, long size, Stream content, CancellationToken cancellation) =>
        await RunAsync(account, "write-file", path, new(path.Base64, Size: size), content, cancellation);

    /// <summary>Creates a folder.</summary>
    public async Task CreateFolderAsync(Account account, BytePath path, CancellationToken cancellation) =>
        await RunAsync(account, "make-directory", path, new(path.Base64), null, cancellation);

    /// <summary>Renames a file or a folder; replaces nothing.</summary>
    public async Task RenameAsync(Account account, BytePath path, BytePath to, CancellationToken cancellation) =>
        await RunAsync(account, "rename", path, new(path.Base64, ToBytes: to.Base64, Replace: false), null, cancellation);

    /// <summary>Removes a file, or a folder with everything in it.</summary>
    public async Task RemoveAsync(Account account, BytePath path, CancellationToken cancellation) =>
        await RunAsync(account, "remove", path, new(path.Base64, Recursive: true), null, cancellation);

    /// <summary>Whether the daemon runs jobs for the account at all. If not, its ticket has ended, or its account.</summary>
    public async Task<bool> IsSignedInAsync(Account account, CancellationToken cancellation)
    {
        try
        {
            return (await client.CheckAsync(Request(account, "list-directory", new(BytePath.Home.Base64)), null, cancellation)).Allowed;
        }
        catch (RequestRefusedException)
        {
            return false;
        }
    }

    private async Task<ListingResult> ReadListingAsync(
        Account account, BytePath path, ListingMemory.Share share, CancellationToken cancellation)
    {
        try
        {
            await using JobDownload output = await OpenAsync(account, "list-directory", path, new(path.Base64), cancellation);
            using var json = new MemoryStream();
            await output.CopyToAsync(
                part =>
                {
                    share.Grow(part.Length);
                    json.Write(part.Span);
                    return ValueTask.CompletedTask;
                },
                cancellation);
            return JsonSerializer.Deserialize(json.GetBuffer().AsSpan(0, (int)json.Length), JobJson.Default.ListingResult)
                ?? throw FileProblem.Of(502, "The daemon of this machine did not reply as expected");
        }
        catch (JobFailedException failure)
        {
            throw FileProblem.Of(failure.Result, path, account);
        }
        catch (PipeForkAsException failure)
        {
            throw FileProblem.Of(failure);
        }
        catch (JsonException)
        {
            throw FileProblem.Of(502, "The daemon of this machine did not reply as expected");
        }
    }

    private static JobRequest Request(Account account, string job, PathArguments arguments) =>
        new JobRequest(job) { User = account.Name, Ticket = account.Ticket }.WithArguments(arguments, JobJson.Default.PathArguments);

    private async Task RunAsync(
        Account account, string job, BytePath path, PathArguments arguments, Stream? input, CancellationToken cancellation)
    {
        JobResult result = (await CaptureAsync(account, job, arguments, input, cancellation)).Result;
        if (!result.IsSuccess)
            throw FileProblem.Of(result, path, account);
    }

    private async Task<T> AskAsync<T>(
        Account account, string job, BytePath path, PathArguments arguments, JsonTypeInfo<T> type, CancellationToken cancellation)
        where T : class
    {
        JobOutput output = await CaptureAsync(account, job, arguments, null, cancellation);
        if (!output.Result.IsSuccess)
            throw FileProblem.Of(output.Result, path, account);
        try
        {
            return output.ReadJson(type);
        }
        catch (PipeForkAsException failure)
        {
            throw FileProblem.Of(failure);
        }
    }

    private async Task<JobOutput> CaptureAsync(
        Account account, string job, PathArguments arguments, Stream? input, CancellationToken cancellation)
    {
        try
        {
            return await client.CaptureAsync(Request(account, job, arguments), input, MaxReplyBytes, cancellation);
        }
        catch (JobStreamException failure) when (failure.Stream == JobStream.Input)
        {
            throw new OperationCanceledException("the browser ended the upload", failure, cancellation);
        }
        catch (PipeForkAsException failure)
        {
            throw FileProblem.Of(failure);
        }
    }

    private async Task<JobDownload> OpenAsync(
        Account account, string job, BytePath path, PathArguments arguments, CancellationToken cancellation)
    {
        try
        {
            Stream output = await client.OpenReadAsync(Request(account, job, arguments), cancellationToken: cancellation);
            return await JobDownload.BeginAsync(output, failure => FileProblem.Of(failure.Result, path, account), cancellation);
        }
        catch (PipeForkAsException failure)
        {
            throw FileProblem.Of(failure);
        }
    }
}
