using System.Text;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using PipeForkAs.Files.Jobs;
using PipeForkAs.Files.Paths;
using PipeForkAs.Files.Sessions;

namespace PipeForkAs.Files.Endpoints;

/// <summary>Uploads: the body of the request is the file, and goes to the job as it comes.</summary>
internal static class UploadEndpoint
{
    /// <summary>A browser that sends less has lost its connection.</summary>
    private static readonly MinDataRate SlowestUpload = new(bytesPerSecond: 100, gracePeriod: TimeSpan.FromSeconds(30));

    /// <summary>Writes a file into a folder. Without <c>replace=1</c> it replaces nothing.</summary>
    public static async Task UploadAsync(Visit visit)
    {
        HttpContext http = visit.Http;
        visit.RequireToken(http.Request.Headers[OwnSite.TokenHeader]);
        if (http.Request.ContentLength is not { } size)
            throw FileProblem.Of(411, "The upload has no length");
        if (!BytePath.TryParseName(http.Request.Query["name"], out byte[]? name))
            throw FileProblem.Of(400, "The upload has no valid name");
        BytePath folder = visit.Path, target = folder.Join(name);
        if (http.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit)
            limit.MaxRequestBodySize = null;
        if (http.Features.Get<IHttpMinRequestBodyDataRateFeature>() is { } rate)
            rate.MinDataRate = SlowestUpload;

        if (http.Request.Query["replace"] == "1")
            await visit.Jobs.WriteAsync(visit.Account, target, size, http.Request.Body, visit.Cancellation);
        else
            await WriteNewAsync(visit, folder, target, size);
        http.Response.StatusCode = StatusCodes.Status204NoContent;
    }

    /// <summary>Writes under another name first: the kernel then refuses to replace a file that appeared meanwhile.</summary>
    private static async Task WriteNewAsync(Visit visit, BytePath folder, BytePath target, long size)
    {
        if (await visit.Jobs.FindAsync(visit.Account, target, visit.Cancellation) is { } taken)
            throw FileProblem.Taken(target, taken.IsFolder, visit.Account);
        BytePath part = folder.Join(Encoding.ASCII.GetBytes($".upload-{Secret.Create()[..12]}.part"));
        await visit.Jobs.WriteAsync(visit.Account, part, size, visit.Http.Request.Body, visit.Cancellation);
        try
        {
            await visit.Jobs.RenameAsync(visit.Account, part, target, CancellationToken.None);
        }
        catch (FileProblem refused)
        {
            await RemoveAsync(visit, part, refused);
            throw;
        }
    }

    /// <summary>Removes what was written. If that fails too, the message names the file that is left.</summary>
    private static async Task RemoveAsync(Visit visit, BytePath part, FileProblem refused)
    {
        try
        {
            await visit.Jobs.RemoveAsync(visit.Account, part, CancellationToken.None);
        }
        catch (FileProblem)
        {
            throw FileProblem.Of(refused.Status, $"{refused.Message}. The upload is left as {part}");
        }
    }
}
