using System.Globalization;
using System.Text;
using Microsoft.Net.Http.Headers;
using PipeForkAs.Files.Jobs;
using PipeForkAs.Files.Pages;
using PipeForkAs.Files.Paths;
using PipeForkAs.Protocol;

namespace PipeForkAs.Files.Endpoints;

/// <summary>Files as downloads and images, folders as archives. The bytes pass through; the page keeps none.</summary>
internal static class DownloadEndpoints
{
    private const string AnyBytes = "application/octet-stream";
    private const int MaxDetails = 3;

    /// <summary>Sends a file or a part of it.</summary>
    public static async Task DownloadAsync(Visit visit)
    {
        BytePath path = visit.Path;
        HttpResponse response = visit.Http.Response;
        Entry entry = await visit.Jobs.InspectAsync(visit.Account, path, visit.Cancellation);
        long size = entry.Size ?? 0;
        var tag = new EntityTagHeaderValue($"\"{(entry.Modified?.Ticks ?? 0):x}-{size:x}\"");
        (long offset, long length, bool isPart) = Part(visit.Http.Request, size, tag);
        if (length < 0)
        {
            response.Headers.ContentRange = string.Create(CultureInfo.InvariantCulture, $"bytes */{size}");
            throw FileProblem.Of(416, $"The file has only {Amounts.Size(size)}");
        }

        // A file of the kernel, as in /proc, has the size 0 whatever it contains.
        long? exact = size == 0 ? null : length;
        await using JobDownload content = await visit.Jobs.ReadAsync(visit.Account, path, offset, exact, visit.Cancellation);
        Responses.SetFileHeaders(response, Name(path), AnyBytes);
        response.Headers.AcceptRanges = "bytes";
        response.Headers.ETag = tag.ToString();
        response.ContentLength = exact;
        if (isPart)
        {
            response.StatusCode = StatusCodes.Status206PartialContent;
            response.Headers.ContentRange =
                string.Create(CultureInfo.InvariantCulture, $"bytes {offset}-{offset + length - 1}/{size}");
        }

        await SendAsync(visit, path, content);
    }

    /// <summary>Sends an image of a safe type, known by its content, for an <c>img</c> element alone.</summary>
    public static async Task ImageAsync(Visit visit)
    {
        BytePath path = visit.Path;
        await using JobDownload content = await visit.Jobs.ReadAsync(visit.Account, path, 0, null, visit.Cancellation);
        await content.FillAsync(Preview.ImageStart, visit.Cancellation);
        string type = Preview.ImageType(content.Start.Span) ?? throw FileProblem.Of(415, "This is not an image that can be shown");
        Responses.SetFileHeaders(visit.Http.Response, Name(path), type);
        await SendAsync(visit, path, content);
    }

    /// <summary>Sends a folder as a tar archive.</summary>
    public static async Task ArchiveAsync(Visit visit)
    {
        BytePath path = visit.Path;
        await using JobDownload content = await visit.Jobs.ArchiveAsync(visit.Account, path, visit.Cancellation);
        Responses.SetFileHeaders(visit.Http.Response, (path.Name.Length > 0 ? Name(path) : "root") + ".tar", "application/x-tar");
        await SendAsync(visit, path, content);
    }

    /// <summary>Returns the part that a request asks for: one range, of the same version of the file. The length is negative if the file
    /// has no such part.
    /// </summary>
    internal static (long Offset, long Length, bool IsPart) Part(HttpRequest request, long size, EntityTagHeaderValue tag)
    {
        Microsoft.AspNetCore.Http.Headers.RequestHeaders headers = request.GetTypedHeaders();
        if (headers.Range is not { Ranges.Count: 1 } asked || asked.Unit != "bytes")
            return (0, size, false);
        if (headers.IfRange is { } version && !(version.EntityTag?.Compare(tag, useStrongComparison: true) ?? false))
            return (0, size, false);
        RangeItemHeaderValue range = asked.Ranges.First();
        long offset = range.From ?? Math.Max(0, size - (range.To ?? 0));
        long end = range.From is null ? size - 1 : Math.Min(range.To ?? (size - 1), size - 1);
        return offset < size && end >= offset ? (offset, end - offset + 1, true) : (0, -1, true);
    }

    private static string Name(BytePath path) => Encoding.UTF8.GetString(path.Name);

    /// <summary>What tar says about the first files that it could not read.</summary>
    private static string Details(JobFailedException failure)
    {
        IEnumerable<string> lines = UntrustedText.Lines(failure.StderrExcerpt ?? "").Take(MaxDetails);
        string details = string.Join("; ", lines);
        return details.Length > 0 ? $" ({UntrustedText.Excerpt(details, 500)})" : "";
    }

    /// <summary>Copies the output of a job. If it fails, the connection is cut: a download without its end must not look whole.</summary>
    private static async Task SendAsync(Visit visit, BytePath path, JobDownload content)
    {
        try
        {
            await content.CopyToAsync(visit.Http.Response.Body, visit.Cancellation);
        }
        catch (JobFailedException failure)
        {
            // Also if files of an archive could not be read. The browser can only say that it failed; the next page says why.
            FileProblem problem = FileProblem.Of(failure.Result, path, visit.Account);
            if (!visit.Cancellation.IsCancellationRequested)
                visit.Session.LeaveNotice($"The last download is not complete. {problem.Message}{Details(failure)}");
            visit.Http.Abort();
        }
        catch (Exception failure) when (failure is PipeForkAsException or InvalidOperationException)
        {
            // InvalidOperationException: the file has grown, and has more bytes than the length that was announced.
            visit.Http.Abort();
        }
    }
}
