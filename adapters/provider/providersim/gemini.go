package providersim

import (
	"encoding/base64"
	"net/http"
	"strings"
)

// gemini stands in for https://ai.google.dev/api/generate-content.
func (s *Sim) gemini(mux *http.ServeMux) {
	auth := header("X-Goog-Api-Key")
	s.route(mux, "GET /gemini/v1beta/models", Gemini, StepInfo, auth, func(x *exchange) {
		x.json(http.StatusOK, obj{"models": []obj{{"name": "models/gemini-nano-banana-2.1", "supportedGenerationMethods": []string{"generateContent"}}}})
	})
	s.route(mux, "POST /gemini/v1beta/models/{call}", Gemini, StepMake, auth, func(x *exchange) {
		if _, method, _ := strings.Cut(x.r.PathValue("call"), ":"); method != "generateContent" {
			x.fail(http.StatusNotFound, "not_found", "No such method.")
			return
		}
		x.generateContent()
	})
}

func (x *exchange) generateContent() {
	words, pics := "", 0
	contents, _ := x.JSON["contents"].([]any)
	for _, c := range contents {
		content, _ := c.(map[string]any)
		parts, _ := content["parts"].([]any)
		for _, p := range parts {
			part, _ := p.(map[string]any)
			if t, ok := part["text"].(string); ok {
				words += t
			}
			if in, ok := part["inlineData"].(map[string]any); ok {
				data, _ := in["data"].(string)
				raw, err := base64.StdEncoding.DecodeString(data)
				if w, _ := sizeOf(raw); err != nil || w == 0 {
					x.fail(http.StatusBadRequest, "invalid_argument", "Unable to process input image.")
					return
				}
				pics++
			}
		}
	}
	config, _ := x.JSON["generationConfig"].(map[string]any)
	image, _ := config["imageConfig"].(map[string]any)
	ratio, _ := image["aspectRatio"].(string)
	size, _ := image["imageSize"].(string)
	modes, _ := config["responseModalities"].([]any)
	switch {
	case words == "" || len(modes) != 1:
		x.fail(http.StatusBadRequest, "invalid_argument", "contents is not specified")
		return
	case size == "512":
		x.fail(http.StatusBadRequest, "invalid_argument", "imageSize 512 is not supported by this model")
		return
	case strings.Contains(words, RefuseWord):
		x.refuse("input")
		return
	case strings.Contains(words, "no-image"):
		x.pay(0, 0)
		x.json(http.StatusOK, obj{"candidates": []obj{{"content": obj{}, "finishReason": "NO_IMAGE"}}, "responseId": token(8)})
		return
	}
	micros, n := int64(price), 1
	if modes[0] == "TEXT" {
		micros, n = price/10, 0
	}
	if !x.pay(micros, n) {
		x.noCredit()
		return
	}
	parts := []obj{{"text": "a quiet harbour at dusk\na harbour in blue and gold"}}
	if n == 1 {
		seed, _ := config["seed"].(float64)
		parts = []obj{{"text": "thinking", "thought": true}, {"inlineData": obj{"mimeType": "image/png", "data": x.b64(words, int(seed)+pics, 0, ratioOf(ratio))}}}
	}
	x.json(http.StatusOK, obj{"candidates": []obj{{"content": obj{"role": "model", "parts": parts}, "finishReason": "STOP", "index": 0}},
		"usageMetadata": obj{"promptTokenCount": 20, "candidatesTokenCount": 1120, "totalTokenCount": 1140}, "modelVersion": "sim", "responseId": token(8)})
}
