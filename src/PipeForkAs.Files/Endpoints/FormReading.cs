using Microsoft.AspNetCore.Http.Features;
using PipeForkAs.Files.Jobs;

namespace PipeForkAs.Files.Endpoints;

/// <summary>Reads small forms.</summary>
internal static class FormReading
{
    /// <summary>Reads a form of the page.</summary>
    /// <param name="request">The request.</param>
    /// <param name="maxValues">The most fields.</param>
    /// <param name="maxBytes">The most bytes of the body; null for the limit of all requests.</param>
    /// <param name="cancellation">Ends the wait.</param>
    /// <exception cref="FileProblem">The body is not such a form.</exception>
    public static async Task<IFormCollection> ReadAsync(
        HttpRequest request, int maxValues, long? maxBytes, CancellationToken cancellation)
    {
        if (request.ContentType?.StartsWith("application/x-www-form-urlencoded", StringComparison.OrdinalIgnoreCase) != true)
            throw FileProblem.Of(415, "This is not a form of the page");
        var limits = new FormOptions { ValueCountLimit = maxValues, KeyLengthLimit = 64, ValueLengthLimit = 16 * 1024 };
        if (maxBytes is not null && request.HttpContext.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } body)
            body.MaxRequestBodySize = maxBytes;
        try
        {
            return await new FormFeature(request, limits).ReadFormAsync(cancellation);
        }
        catch (InvalidDataException)
        {
            throw FileProblem.Of(413, "The form is too large");
        }
        catch (BadHttpRequestException wrong)
        {
            throw FileProblem.Of(wrong.StatusCode, wrong.StatusCode == 413 ? "The form is too large" : "The form was cut short");
        }
    }
}
