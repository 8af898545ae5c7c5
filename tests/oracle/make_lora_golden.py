"""Let PEFT make LoRA adapters of small models and merge them, and keep both in `golden/lora/`.

    python -m venv oracle && oracle/bin/pip install peft transformers
    oracle/bin/python tests/oracle/make_lora_golden.py

PEFT is no requirement of ours, so this script runs in an environment of its own. `test_adapters.py` reads
what was kept: per case a base, an adapter as PEFT saved it, and the tensors of PEFT's `merge_and_unload`.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM, GPT2Config, LlamaConfig, PretrainedConfig

GOLDEN = Path(__file__).parent / "golden" / "lora"

LLAMA = LlamaConfig(
    hidden_size=16,
    intermediate_size=24,
    num_hidden_layers=2,
    num_attention_heads=4,
    num_key_value_heads=2,
    vocab_size=32,
    attention_bias=True,
)
GPT2 = GPT2Config(
    n_embd=8, n_layer=2, n_head=2, n_positions=16, vocab_size=32, bos_token_id=1, eos_token_id=2
)

CASES: dict[str, tuple[PretrainedConfig, LoraConfig]] = {
    "plain": (LLAMA, LoraConfig(r=4, lora_alpha=6, target_modules=["q_proj", "down_proj"])),
    "patterns": (
        LLAMA,
        LoraConfig(
            r=4,
            lora_alpha=8,
            use_rslora=True,
            target_modules=["k_proj", "up_proj", "embed_tokens"],
            modules_to_save=["lm_head"],
            rank_pattern={"layers.1.mlp.up_proj": 2, "embed_tokens": 3},
            alpha_pattern={r"layers\.0\..*": 5, "k_proj": 3},
        ),
    ),
    "biases": (LLAMA, LoraConfig(r=2, lora_alpha=3, target_modules=["v_proj"], bias="lora_only")),
    "conv1d": (
        GPT2,
        LoraConfig(r=3, lora_alpha=2, target_modules=["c_attn", "mlp.c_proj"], fan_in_fan_out=True),
    ),
}


def main() -> None:
    for number, (name, (config, lora)) in enumerate(CASES.items()):
        torch.manual_seed(number)
        folder = GOLDEN / name
        shutil.rmtree(folder, ignore_errors=True)
        model = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
        shake(model, name.startswith("bias"))
        model.save_pretrained(folder / "base")
        lora.init_lora_weights = False  # so that B is not zero
        adapted = get_peft_model(model, lora)
        for key, parameter in adapted.named_parameters():
            if "modules_to_save" in key or (lora.bias != "none" and parameter.requires_grad):
                parameter.data += torch.randn_like(parameter) * 0.1
        adapted.save_pretrained(folder / "adapter")
        keep_what_counts(folder)
        # Read back, as users do: PEFT sorts patterns as it saves them, and their order counts.
        base = AutoModelForCausalLM.from_pretrained(folder / "base", dtype=torch.float32)
        model = PeftModel.from_pretrained(base, folder / "adapter").merge_and_unload()
        merged = {key: tensor.contiguous() for key, tensor in model.state_dict().items()}
        if config.tie_word_embeddings:
            del merged["lm_head.weight"]
        save_file(merged, folder / "merged.safetensors")
        print(name, sum(file.stat().st_size for file in folder.rglob("*.*")), "bytes")


def shake(model: torch.nn.Module, biases: bool) -> None:
    """Norms and biases begin as ones and zeros, which hides mistakes."""
    for parameter in model.parameters():
        if biases or parameter.dim() > 1:
            parameter.data += torch.randn_like(parameter) * 0.1


def keep_what_counts(folder: Path) -> None:
    (folder / "adapter" / "README.md").unlink()
    (folder / "base" / "generation_config.json").unlink()
    file = folder / "adapter" / "adapter_config.json"
    config = json.loads(file.read_text())
    config["target_modules"].sort()
    config["base_model_name_or_path"] = None
    file.write_text(json.dumps(config, indent=1) + "\n")


if __name__ == "__main__":
    main()
